/** DeepCluster-v2's recipe as data, and its schedules. */
import { demandFor } from "lib/ssl/method/demand.ts";
import type { EmbeddingHeadConfig } from "lib/ssl/method/embedding_network.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, cosineValues } from "lib/ssl/method/recipe.ts";

/**
 * DeepCluster-v2's recipe. Comments give the names of the public code's arguments
 * (main_deepclusterv2.py).
 */
export interface DeepClusterRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "deepcluster_v2";
  /** Sizes of the projection head, and of the clusterings. */
  readonly head: DeepClusterHeadConfig;
  /**
   * Learning rate at the first step of the warm-up (`start_warmup`). Like `minLr`, it is not scaled
   * with the batch size.
   */
  readonly startLr: number;
  /** Divides the scores in the loss (`temperature`). */
  readonly temperature: number;
}

/** Sizes of the projection head, and of the clusterings. */
export interface DeepClusterHeadConfig extends EmbeddingHeadConfig {
  /**
   * The number of prototypes of each clustering (`nmb_prototypes`): each has its own k-means and its
   * own loss. They cluster the embeddings of the first and of the second global crop in turn.
   */
  readonly prototypes: readonly number[];
}

/** The learning rate and the weight decay at a step. */
export function deepClusterValues(
  recipe: DeepClusterRecipe,
  now: Pick<Moment, "step" | "totalSteps">,
) {
  return cosineValues(recipe, now, "last", recipe.startLr) satisfies OptimizerValues;
}

/** Whole numbers above this are not exact in float32, as which places of images are saved. */
const mostImages = 2 ** 24;

/**
 * @throws {RangeError} If DeepCluster-v2 cannot follow the recipe; the message names the value and
 *   what is allowed.
 */
export function checkDeepCluster(recipe: DeepClusterRecipe, imageCount: number) {
  const { head, temperature } = recipe;
  const demand = demandFor("DeepCluster-v2");
  const demandWhole = (least: number, name: string, value: number) => {
    const valid = Number.isInteger(value) && value >= least;
    demand(valid, `recipe.${name}`, value, `a whole number of at least ${least}`);
  };
  demandWhole(1, "head.hiddenDim", head.hiddenDim);
  demandWhole(1, "head.outDim", head.outDim);
  const hasAny = head.prototypes.length > 0;
  demand(hasAny, "recipe.head.prototypes", head.prototypes, "a number for each clustering");
  head.prototypes.forEach((count, i) => demandWhole(2, `head.prototypes.${i}`, count));
  const positive = Number.isFinite(temperature) && temperature > 0;
  demand(positive, "recipe.temperature", temperature, "a number above 0");
  demand(imageCount <= mostImages, "a number of images of", imageCount, `at most ${mostImages}`);
}
