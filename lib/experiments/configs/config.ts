/** Finds the sizes, the recipe and the run id of an experiment at a scale. */
import { createHash } from "node:crypto";
import type { Recipe } from "lib/ssl/methods.ts";
import {
  type DataConfig,
  type PretrainConfig,
  type RecipeAnyScale,
  type RunKey,
  type ScaledConfig,
  type ScaleName,
  scaleNames,
} from "./config_types.ts";
import { checkConfig, isRecord } from "./override.ts";

export {
  type DataConfig,
  type Key,
  type PretrainConfig,
  type RecipeAnyScale,
  type RunKey,
  type Scale,
  type ScaleName,
  scaleNames,
} from "./config_types.ts";
export { type Override, override } from "./override.ts";

/**
 * The scale to run at: the environment variable `BCSSL_SCALE` if it is set, as in headless runs and
 * CI, otherwise `preferred`.
 *
 * @throws {RangeError} If there is no scale of that name.
 *
 * @example
 * ```ts
 * import { chosenScale, scaleNames } from "lib/experiments/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const scale = chosenScale("smoke"); // at the top of a notebook
 * assertTrue(scaleNames.includes(scale), "a scale");
 * ```
 */
export function chosenScale(preferred: ScaleName): ScaleName {
  const name = Deno.env.get("BCSSL_SCALE") || preferred;
  const scale = scaleNames.find((known) => known === name);
  if (scale === undefined) {
    throw new RangeError(`Unknown scale "${name}": use ${scaleNames.join(", ")}`);
  }
  return scale;
}

/**
 * The sizes of an experiment at a scale. It also checks the config, since notebook cells run
 * without a type check, and every verb calls it first.
 *
 * @throws {RangeError} If there is no scale of that name, or a value of the config is not allowed.
 * @throws {TypeError} If an option of the config is unknown or missing, or of a wrong type.
 *
 * @example
 * ```ts
 * import { bcSslStart, sizesAt } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { trainCount, epochs } = sizesAt(bcSslStart, "smoke");
 * assertEquals([trainCount, epochs], [64, 2]);
 * ```
 */
export function sizesAt<S>(config: ScaledConfig<S>, scale: ScaleName): S {
  checkConfig(config);
  if (scaleNames.includes(scale)) return config.scales[scale];
  throw new RangeError(
    `Cannot run "${config.name}" at scale "${scale}": use ${scaleNames.join(", ")}`,
  );
}

/**
 * The complete recipe at a scale. @throws {RangeError | TypeError} For the reasons of
 * {@linkcode sizesAt}.
 */
export function recipeAt<R extends Recipe>(config: PretrainConfig<R>, scale: ScaleName): R {
  const { imageSize, batchSize, epochs } = sizesAt(config, scale);
  const recipe: RecipeAnyScale<Recipe> = config.recipe;
  const { crops } = recipe;
  const localSize = Math.round(crops.localSize / crops.globalSize * imageSize);
  return {
    ...recipe,
    crops: { ...crops, globalSize: imageSize, localSize },
    batchSize,
    epochs,
  } as Recipe as R;
}

/**
 * The id of a run: runs with the same numbers have the same id.
 *
 * @throws {RangeError | TypeError} As {@linkcode sizesAt}.
 *
 * @example
 * ```ts
 * import { bcSslStart, override, runId } from "lib/experiments/mod.ts";
 * import { assertEquals, assertTrue } from "lib/testing/assert.ts";
 *
 * const id = runId({ config: bcSslStart, scale: "smoke", seed: 0 });
 * assertTrue(/^start-[0-9a-f]{8}$/.test(id), id);
 *
 * // Whatever changes the numbers of a run changes its id.
 * const faster = override(bcSslStart, { recipe: { lr: 0.01 } });
 * assertEquals(runId({ config: faster, scale: "smoke", seed: 0 }) === id, false);
 * ```
 */
export function runId({ config, scale, seed }: RunKey): string {
  const sizes = sizesAt(config, scale);
  const { name, data, recipe } = config;
  return hashedName(name, { data: decidingData(data), recipe, scale: sizes, seed });
}

/**
 * The part of a data config that decides which images there are. The limit of damaged pictures is
 * not part of it: it only decides when a run stops, and may be raised later.
 */
export function decidingData(data: DataConfig): DataConfig {
  if (!("maxBadFraction" in data)) return data;
  const { maxBadFraction: _, ...decides } = data;
  return decides;
}

/**
 * A name with a hash: `<name>-<8 hex digits>`.
 *
 * @param decides Plain data to hash; the order of its keys does not matter.
 * @throws {RangeError} If the seed is not a whole number: the text "0" would give another hash than
 *   0.
 */
export function hashedName(
  name: string,
  decides: Readonly<Record<string, unknown>> & { readonly seed: number },
): string {
  const { seed } = decides;
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(
      `Cannot run "${name}" with seed ${JSON.stringify(seed)}: need a whole number`,
    );
  }
  return `${name}-${createHash("sha256").update(canonical(decides)).digest("hex").slice(0, 8)}`;
}

/** JSON with sorted keys, so that the order in which a config was written does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      isRecord(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}
