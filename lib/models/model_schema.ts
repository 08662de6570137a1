/** Checks the config of a network against the schema of its family. */
import { checkAgainst, shown } from "lib/schema/check.ts";
import { byKey, record, type Schema, whole } from "lib/schema/fields.ts";
import { familyConfigs } from "lib/models/family_configs.ts";
import type { ModelConfig } from "lib/models/family_configs.ts";

/** The config of a network of any family. */
export const modelSchema = byKey(
  "arch",
  Object.fromEntries(
    Object.entries(familyConfigs).map(([arch, { schema }]) => [arch, schema]),
  ) as Readonly<Record<string, Schema<ModelConfig>>>,
);

const options = record({ numClasses: whole(0, 1_000_000) });

/**
 * Refuses what no network can be built of: notebook cells run without a type check.
 *
 * @param numClasses Classes of its classifier; 0 for none.
 * @throws {TypeError} If an option is unknown or missing, or of a wrong type.
 * @throws {RangeError} If a value is outside of what is allowed.
 */
export function checkModelConfig(config: unknown, numClasses: number): void {
  const { arch } = Object(config) as { readonly arch?: unknown };
  const attempt = `Cannot build ${arch === undefined ? "a network" : shown(arch)}`;
  checkAgainst(modelSchema, config, attempt);
  checkAgainst(options, { numClasses }, attempt);
}
