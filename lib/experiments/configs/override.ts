/** Makes one config from another with some values changed, and checks configs by their schemas. */
import type { ScaledConfig } from "./config_types.ts";
import { detectorSchema } from "./detector_schema.ts";
import { dataSchema, pretrainSchema } from "./pretrain_schema.ts";
import { modelSchema } from "lib/models/model_schema.ts";
import { checkAgainst } from "lib/schema/check.ts";
import type { Schema } from "lib/schema/fields.ts";

/** A nested partial type: an override names only what differs. Arrays are replaced as a whole. */
export type Override<T> = T extends readonly unknown[] ? T
  : T extends object ? { readonly [K in keyof T]?: Override<T[K]> }
  : T;

/**
 * Returns `base` with some values changed; options that `base` leaves at their defaults can be set
 * too. An option that is set to `undefined` is removed. If data, network or method become another
 * kind (`kind`, `arch` or `method` differs), nothing of the old one remains.
 *
 * @param base A config of a pre-training or of a detector, or a part of one.
 * @throws {TypeError} If an option is unknown or missing, or of a wrong type; the message says what
 *   is allowed.
 * @throws {RangeError} If a value is outside of what is allowed.
 *
 * @example
 * ```ts
 * import { bcSslStart, override } from "lib/experiments/mod.ts";
 * import { assertEquals, assertThrows } from "lib/testing/assert.ts";
 *
 * const wide = override(bcSslStart, { name: "wide", recipe: { model: { kernelSize: 9 } } });
 * assertEquals(wide.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 9 });
 *
 * // What a config cannot be is refused before a step is taken.
 * assertThrows(
 *   () => override(bcSslStart, { recipe: { lr: -1 } }),
 *   RangeError,
 *   "recipe.lr",
 * );
 * ```
 */
export function override<T extends object>(base: T, changes: Override<T>): T {
  const changed = withChanges(base, changes as object) as T;
  checkConfig(changed, "change");
  return changed;
}

/**
 * Refuses a config, or the model or data of one, that is not valid.
 *
 * @param verb What the config was for, for the message "Cannot use …".
 * @throws {TypeError} If an option is unknown or missing, or of a wrong type.
 * @throws {RangeError} If a value is outside of what is allowed.
 */
export function checkConfig(config: unknown, verb = "use"): void {
  const { name } = Object(config) as Partial<ScaledConfig<unknown>>;
  const what = typeof name === "string" ? JSON.stringify(name) : "the config";
  checkAgainst(schemaFor(config), config, `Cannot ${verb} ${what}`);
}

/** The schema for a config. Which kind of config it is shows in keys that only this kind has. */
export function schemaFor(config: unknown): Schema {
  if (!isRecord(config)) return pretrainSchema;
  if ("arch" in config) return modelSchema;
  if ("kind" in config) return dataSchema;
  return "pretrained" in config ? detectorSchema : pretrainSchema;
}

/** Returns a value with changes applied, unchecked; what they do not name stays. */
export function withChanges(base: unknown, changes: unknown): unknown {
  if (!isRecord(changes)) return changes;
  if (Array.isArray(base)) return withEntries(base, changes);
  if (!isRecord(base) || isOtherKind(base, changes)) return changes;
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) result.delete(key);
    else result.set(key, withChanges(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/**
 * Returns a list with the entries at some places replaced: `{ 0: 3 }`. With a place that the list
 * does not have, the result is an object, which every schema refuses.
 */
function withEntries(list: readonly unknown[], changes: Record<string, unknown>): unknown {
  const places = Object.keys(list);
  if (!Object.keys(changes).every((place) => places.includes(place))) return changes;
  return list.map((entry, i) => i in changes ? withChanges(entry, changes[i]) : entry);
}

/** Whether changes give an object another kind, so that its old values no longer apply. */
function isOtherKind(base: Record<string, unknown>, changes: Record<string, unknown>): boolean {
  const differs = (key: string) => key in changes && key in base && changes[key] !== base[key];
  if (["kind", "arch", "method"].some(differs)) return true;
  return "weights" in changes && "config" in base || "config" in changes && "weights" in base;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
