/** A small recipe of SwAV and views for it, for tests. */
import * as tf from "lib/tf.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { SwavRecipe } from "lib/ssl/swav/recipe.ts";

/** Four images, two global and two local crops, a queue of two batches. */
export const testRecipe: SwavRecipe = {
  method: "swav",
  model: {
    arch: "convnext",
    depths: [1, 1],
    dims: [8, 16],
    kernelSize: 3,
    batchNorm: true,
    dwconvBias: false,
    patchSize: 4,
    dropPathRate: 0.2,
    layerScaleInit: 0.1,
  },
  head: { hiddenDim: 12, outDim: 6, prototypes: 8 },
  crops: { ...swavCrops, globalSize: 16, localSize: 8, localCrops: 2 },
  batchSize: 4,
  epochs: 4,
  lr: 0.64,
  startLr: 0.001,
  minLr: 0.001,
  warmupShare: 0,
  weightDecay: 0.1,
  weightDecayEnd: 0.1,
  clipNorm: 0,
  temperature: 0.1,
  epsilon: 0.05,
  sinkhornIterations: 3,
  queueLength: 9,
  queueStartShare: 0.25,
  freezePrototypesShare: 0.25,
};

/** Random views of four images. */
export function testViews(seed = 0): Views {
  const draw = (size: number, seed: number) =>
    tf.randomNormal<tf.Rank.R4>([8, size, size, 3], 0, 1, "float32", seed);
  return { global: draw(16, 2 * seed + 1), local: draw(8, 2 * seed + 2) };
}

/**
 * Whether a weight of SwAV or of DeepCluster-v2 has a gradient of 0, up to rounding, because a BatchNorm after it subtracts the
 * mean. AdamW divides such a rounding error by its own size, so this weight is not compared, and
 * neither is the running mean after it. LARS mostly sees the weight's decay.
 */
export function isIdle(optimizer: OptimizerName, name: string): boolean {
  const idle = ["backbone.norm.bias", "projection_head.0.bias", "projection_head.1.running_mean"];
  return optimizer === "adamw" && idle.includes(name);
}
