/** Looks up all that verbs need to know about the experiment of a run. */
import type { Recipe } from "lib/ssl/methods.ts";
import { recipeAt, type RunKey, type Scale, sizesAt } from "lib/experiments/configs/config.ts";
import { type DataSplit, openData, requireClasses } from "lib/experiments/configs/data.ts";

/** One experiment at one scale, with one seed. */
export interface Experiment {
  readonly key: RunKey;
  /** The recipe at the scale. */
  readonly recipe: Recipe;
  readonly sizes: Scale;
  /** Opens the images, which are the same for every seed. */
  data(): Promise<DataSplit>;
  /**
   * Opens the images, which must have classes.
   *
   * @param attempt What needs the classes, for the message: `train a linear probe`.
   * @throws {RangeError} If an image has no class, or all have the same.
   */
  labelledData(attempt: string): Promise<DataSplit>;
}

/**
 * Looks up an experiment; reads no file.
 *
 * @throws {RangeError} If the scale is unknown.
 */
export function openExperiment({ config, scale, seed }: RunKey): Experiment {
  const sizes = sizesAt(config, scale);
  const data = () => openData(config.data, sizes);
  return {
    key: { config, scale, seed },
    recipe: recipeAt(config, scale),
    sizes,
    data,
    async labelledData(attempt) {
      const split = await data();
      requireClasses(split, attempt);
      return split;
    },
  };
}

/**
 * Name of the method of a recipe, for tables and figures. A recipe without the field `method` is
 * DINO's.
 */
export function methodName(recipe: object): string {
  const { method = "dino" } = recipe as { readonly method?: string };
  return method.toUpperCase();
}
