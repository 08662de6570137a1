/** Counts the operations of a pre-training before it is run. */
import { constantRng } from "lib/rng.ts";
import { createModel, totalCost } from "lib/models/mod.ts";
import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { headCost, type Recipe } from "lib/ssl/methods.ts";

/** The cost of all steps of a run. */
export interface TrainingCost {
  /** Number of steps. */
  readonly steps: number;
  /** Number of images, counting each once for every epoch. */
  readonly images: number;
  /** Floating-point operations, 10^18: two for each multiply–add. */
  readonly exaFlops: number;
}

/**
 * Counts the multiply–adds of backbone and heads. In the network that is trained, all views go
 * forward, and backward for twice as much. In the network that gives the targets, if there is one,
 * the two global views go forward only.
 *
 * Norms, activations, augmentation, optimiser and k-NN are not counted, as in the FLOPs of papers.
 *
 * @param imageCount Number of images in the data set.
 * @throws {RangeError} For the reasons of `pretrainLength`, or if a crop is too small for the
 *   network.
 *
 * @example
 * ```ts
 * import { bcSslStart, recipeAt, trainingCost } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { steps, images } = trainingCost(recipeAt(bcSslStart, "smoke"), 128);
 * assertEquals([steps, images], [16, 256]); // 2 epochs of 8 steps with 16 images
 * ```
 */
export function trainingCost(recipe: Recipe, imageCount: number): TrainingCost {
  const { batchSize, crops } = recipe;
  const { totalSteps: steps } = pretrainLength(recipe, imageCount);
  using model = createModel(recipe.model, constantRng());
  const { onTape, constant } = headCost(recipe, model.featureDim);
  const global = totalCost(model, crops.globalSize).multiplyAdds;
  const local = crops.localCrops > 0 ? totalCost(model, crops.localSize).multiplyAdds : 0;
  const trained = 2 * (global + onTape) + crops.localCrops * (local + onTape);
  const targets = constant === undefined ? 0 : 2 * (global + constant);
  const images = steps * batchSize;
  return { steps, images, exaFlops: 2 * images * (3 * trained + targets) / 1e18 };
}
