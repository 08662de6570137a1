/** A run's key, looked up once: what every verb that evaluates a run needs to know of it. */
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import { recipeAt, type RunKey, type Scale, sizesAt } from "lib/experiments/configs/config.ts";
import { type DataSplit, openData } from "lib/experiments/configs/data.ts";

/** One experiment at one scale, with one seed. */
export interface Experiment {
  readonly key: RunKey;
  /** The recipe at the scale. */
  readonly recipe: DinoRecipe;
  readonly sizes: Scale;
  /** Opens its images, the same for every seed. */
  data(): Promise<DataSplit>;
}

/**
 * Looks up an experiment; reads no file.
 *
 * @throws {RangeError} If the scale is unknown.
 */
export function openExperiment({ config, scale, seed }: RunKey): Experiment {
  const sizes = sizesAt(config, scale);
  return {
    key: { config, scale, seed },
    recipe: recipeAt(config, scale),
    sizes,
    data: () => openData(config.data, sizes),
  };
}

/** Name of the method that a recipe trains by, for tables and figures; a recipe without one is DINO's. */
export function methodName(recipe: object): string {
  const { method = "dino" } = recipe as { readonly method?: string };
  return method.toUpperCase();
}
