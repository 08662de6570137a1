/** SimCLR's recipe as data, and its schedules. */
import { demandFor } from "lib/ssl/method/demand.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, cosineValues } from "lib/ssl/method/recipe.ts";

/** SimCLR's recipe. Comments give the names of the public code where they differ. */
export interface SimclrRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "simclr";
  /** Sizes of the projection head. */
  readonly head: SimclrHeadConfig;
  /** Divides the cosines in the loss; 0.1 in the paper for ImageNet. */
  readonly temperature: number;
}

/** Sizes of the projection head. Its hidden layers are as wide as the features. */
export interface SimclrHeadConfig {
  /** Number of linear layers (`num_proj_layers`): 2 in SimCLR, 3 in SimCLRv2. */
  readonly layers: number;
  /**
   * Number of linear layers, each with its norm and ReLU, that stay on the backbone after training
   * and are evaluated with it (`ft_proj_selector`): 1 in SimCLRv2. By default 0, as in SimCLR.
   */
  readonly keptLayers?: number;
  /** Length of projections; 128 in the paper. */
  readonly outDim: number;
}

/**
 * The learning rate and the weight decay at a step. As in the public code, the first step after the
 * warm-up has the peak learning rate.
 */
export function simclrValues(recipe: SimclrRecipe, now: Pick<Moment, "step" | "totalSteps">) {
  return cosineValues(recipe, now, "after") satisfies OptimizerValues;
}

const demand = demandFor("SimCLR");

/**
 * @throws {RangeError} If SimCLR cannot follow the recipe; the message names the value and what is
 *   allowed.
 */
export function checkSimclr(recipe: SimclrRecipe) {
  const { head, temperature, crops, batchSize, accumulate = 1 } = recipe;
  for (const name of ["layers", "outDim"] as const) {
    const value = head[name];
    const valid = Number.isInteger(value) && value > 0;
    demand(valid, `recipe.head.${name}`, value, "a whole number of at least 1");
  }
  const { layers, keptLayers = 0 } = head;
  const inside = Number.isInteger(keptLayers) && keptLayers >= 0 && keptLayers < layers;
  const range = `a whole number from 0 to ${layers - 1}: the last layer is dropped`;
  demand(inside, "recipe.head.keptLayers", keptLayers, range);
  const positive = Number.isFinite(temperature) && temperature > 0;
  demand(positive, "recipe.temperature", temperature, "a number above 0");
  const { localCrops } = crops;
  demand(localCrops === 0, "recipe.crops.localCrops", localCrops, "0: it compares two views");
  const reason = "1: the loss compares each image with all others of the batch; lower batchSize";
  demand(accumulate === 1, "recipe.accumulate", accumulate, reason);
  demand(batchSize > 1, "recipe.batchSize", batchSize, "2 images, to tell one from the other");
}
