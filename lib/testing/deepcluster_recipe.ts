/** A small recipe of DeepCluster-v2 and images for it, for tests. */
import type { DeepClusterRecipe } from "lib/ssl/deepcluster/recipe.ts";
import type { ViewSource } from "lib/ssl/method/train.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import { formula, formulaCrops } from "./formula.ts";

/** Epochs of three batches of four images, two global and two local crops, three clusterings. */
export const deepClusterTestRecipe: DeepClusterRecipe = {
  method: "deepcluster_v2",
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
  head: { hiddenDim: 12, outDim: 6, prototypes: [5, 4, 3] },
  crops: { ...swavCrops, globalSize: 16, localSize: 8, localCrops: 2 },
  optimizer: "lars_swav",
  batchSize: 4,
  epochs: 4,
  lr: 20,
  startLr: 0.001,
  minLr: 0.001,
  warmupShare: 0,
  weightDecay: 1e-4,
  weightDecayEnd: 1e-4,
  clipNorm: 0,
  temperature: 0.1,
};

/** Thirteen images, each with a colour of its own; one is left out of each epoch. */
export const deepClusterTestImages: ViewSource = {
  count: 13,
  prefetch() {},
  next(indices, step) {
    const colours = formula("colours", 3 * 13);
    const own = Float32Array.from({ length: 3 * indices.length }, (_, i) => {
      return colours[3 * indices[Math.floor(i / 3)]! + i % 3]!;
    });
    const sizes = { images: "test", batch: indices.length, global: 16, local: 8, locals: 2 };
    return Promise.resolve(formulaCrops(sizes, step, own));
  },
};
