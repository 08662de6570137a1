/**
 * DeepCluster-v2's trainings on ImageNet-1K, in full size, by the scripts and for the results of its
 * public code (facebookresearch/swav, scripts/ and README.md), each with its cost. The longest is a
 * row of Table 3, which also quotes a k-NN.
 */
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { table3 } from "lib/paper/mod.ts";
import type { DeepClusterRecipe } from "lib/ssl/deepcluster/recipe.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import type { PretrainConfig, Scale } from "./config.ts";
import type { PaperRun } from "./paper_runs.ts";

const imageNet = { train: 1_281_167, val: 50_000 } as const;
const batchSize = 4096;
const stepsPerEpoch = Math.floor(imageNet.train / batchSize); // 312

/**
 * Sizes of the two small scales, which only show that the network can be trained: there are fewer
 * images than prototypes.
 */
const small: Readonly<Record<"smoke" | "laptop", Scale>> = {
  smoke: { imageSize: 64, trainCount: 16, testCount: 8, batchSize: 8, epochs: 1, monitorEvery: 2 },
  laptop: {
    imageSize: 64,
    trainCount: 1_000,
    testCount: 200,
    batchSize: 16,
    epochs: 1,
    monitorEvery: 62,
  },
};

/** All scripts have the same recipe, but for crops and epochs. */
function configOf(
  name: string,
  epochs: number,
  crops: CropRecipe,
): PretrainConfig<DeepClusterRecipe> {
  const paper: Scale = {
    imageSize: crops.globalSize,
    trainCount: imageNet.train,
    testCount: imageNet.val,
    batchSize,
    epochs,
    monitorEvery: 20 * stepsPerEpoch,
  };
  return {
    name: `deepcluster_v2_${name}_${epochs}ep`,
    data: { kind: "imagenet" },
    recipe: {
      method: "deepcluster_v2",
      model: resNetConfig(50),
      head: { hiddenDim: 2048, outDim: 128, prototypes: [3000, 3000, 3000] },
      crops,
      optimizer: "lars_swav",
      lr: 0.3, // 4.8 for a batch of 4,096
      startLr: 0.3,
      minLr: 0.0048,
      warmupShare: 10 / epochs,
      weightDecay: 1e-6,
      weightDecayEnd: 1e-6,
      clipNorm: 0,
      temperature: 0.1,
    },
    scales: { ...small, paper },
  };
}

/** Fewer and smaller crops, for a run that costs less. */
const smallCrops: CropRecipe = {
  ...swavCrops,
  globalSize: 160,
  globalScale: [0.08, 1],
  localCrops: 4,
};
const twoCrops: CropRecipe = { ...swavCrops, globalScale: [0.08, 1], localCrops: 0 };

const { linear, knn, source } = table3.rows.find(({ method }) => method === "DCv2")!;
const readme = (row: number) => `README of facebookresearch/swav, Model Zoo, row ${row}`;

/**
 * All runs that the README prints a result of. The costs are estimated as those of `paperRuns`; the
 * pass before the first epoch and k-means are not counted. A checkpoint also holds the memory, of 1.3
 * GB.
 */
export const deepClusterRuns: readonly PaperRun<DeepClusterRecipe>[] = [
  { ...costOf(78.05), config: configOf("rn50", 800, swavCrops), linear, knn, source },
  {
    ...costOf(22.1),
    config: configOf("rn50_2x160_4x96", 400, smallCrops),
    ...{ linear: 0.743, knn: null, source: readme(9) },
  },
  {
    ...costOf(25.11),
    config: configOf("rn50_2x224", 400, twoCrops),
    ...{ linear: 0.702, knn: null, source: readme(10) },
  },
];

/** Days on one V100 by the operations, 10^18, from what DINO's own ViT-S took. */
function costOf(exaFlops: number) {
  return { exaFlops, v100Days: 14 * exaFlops / 14.58 };
}
