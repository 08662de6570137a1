/** What becomes of a recipe's `precision` on this machine. */
import { type NativeStatus, nativeStatus } from "lib/native/mod.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";

/** The families whose blocks can be computed in bf16. */
const families: readonly string[] = ["convnext", "convnext_isotropic", "slak"];

/**
 * Says so, once a run, if this machine trains in fp32 in place of the precision asked for.
 *
 * @throws {RangeError} If the network has nothing to compute in that precision.
 */
export function heedPrecision(
  { precision, model: { arch } }: Pick<CommonRecipe, "precision" | "model">,
  warn: (message: string) => void,
  { active, bf16, reason }: NativeStatus = nativeStatus(),
): void {
  if (precision === undefined) return;
  if (precision !== "bf16" || !families.includes(arch)) {
    throw new RangeError(
      `Cannot train "${arch}" in precision "${precision}": there is bf16, for ${
        families.join(", ")
      }`,
    );
  }
  if (bf16) return;
  warn(`Training in fp32 in place of bf16: ${active ? "this CPU does not multiply bf16" : reason}`);
}
