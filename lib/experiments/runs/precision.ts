/** Checks that a recipe's network and this machine support its `precision`. */
import { type NativeStatus, nativeStatus } from "lib/native/mod.ts";
import { families, familyOf } from "lib/models/mod.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";

/**
 * Warns, once for each run, if this machine trains in fp32 instead of the recipe's precision.
 *
 * @throws {RangeError} If the network has no layers that compute in that precision.
 */
export function heedPrecision(
  { precision, model: { arch } }: Pick<CommonRecipe, "precision" | "model">,
  warn: (message: string) => void,
  { active, bf16, reason }: NativeStatus = nativeStatus(),
): void {
  if (precision === undefined) return;
  const has = (arch: string) => familyOf({ arch }).precisions.includes(precision);
  if (!has(arch)) {
    throw new RangeError(
      `Cannot train "${arch}" in precision "${precision}": bf16 is only for ${
        Object.keys(families).filter((name) => familyOf({ arch: name }).precisions.includes("bf16"))
          .join(", ")
      }`,
    );
  }
  if (bf16) return;
  warn(`Training in fp32 in place of bf16: ${active ? "this CPU does not multiply bf16" : reason}`);
}
