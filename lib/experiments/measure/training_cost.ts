/** Counts the operations of a pre-training before it is run. */
import { type ConfigCost, configCost } from "lib/models/config_cost.ts";
import { familyOf, type ModelConfig } from "lib/models/mod.ts";
import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { globalViewsOf, headCost, type Recipe } from "lib/ssl/methods.ts";

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
 * const { steps, images } = trainingCost(recipeAt(bcSslStart, "smoke"), 64);
 * assertEquals([steps, images], [16, 128]); // 2 epochs of 8 steps with 8 images
 * ```
 */
export function trainingCost(recipe: Recipe, imageCount: number): TrainingCost {
  const { batchSize, crops } = recipe;
  const { totalSteps: steps } = pretrainLength(recipe, imageCount);
  const { stride } = familyOf(recipe.model).stages(recipe.model).at(-1)!;
  const costOf = (size: number) => {
    const { multiplyAdds, featureDim } = backboneCost(recipe.model, size);
    const head = headCost(recipe, featureDim, Math.ceil(size / stride) ** 2);
    return { backbone: multiplyAdds, head };
  };
  const global = costOf(crops.globalSize);
  const local = crops.localCrops > 0 ? costOf(crops.localSize) : undefined;
  const globalViews = globalViewsOf(recipe);
  const trained = globalViews * (global.backbone + global.head.onTape) +
    (local === undefined ? 0 : crops.localCrops * (local.backbone + local.head.onTape));
  const { constant } = global.head;
  const targets = constant === undefined ? 0 : globalViews * (global.backbone + constant);
  const images = steps * batchSize;
  return { steps, images, exaFlops: 2 * images * (3 * trained + targets) / 1e18 };
}

/** What was counted, by network and image size: many runs share a network. */
const counted = new Map<string, ConfigCost>();

function backboneCost(config: ModelConfig, imageSize: number): ConfigCost {
  const key = JSON.stringify([config, imageSize]);
  const known = counted.get(key);
  if (known !== undefined) return known;
  const cost = configCost(config, imageSize);
  counted.set(key, cost);
  return cost;
}
