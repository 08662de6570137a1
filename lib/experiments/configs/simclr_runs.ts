/**
 * The rows of Table 3 that SimCLR and SimCLRv2 trained on ImageNet-1K, in full size, each with its
 * cost and the results that the paper quotes.
 *
 * They need batches of 4,096 images in one piece, since the loss compares all of them.
 */
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { table3 } from "lib/paper/mod.ts";
import { simclrCrops } from "lib/ssl/simclr/crops.ts";
import type { SimclrRecipe } from "lib/ssl/simclr/recipe.ts";
import type { PretrainConfig, Scale } from "./config.ts";
import type { PaperRun } from "./paper_runs.ts";

const imageNet = { train: 1_281_167, val: 50_000 } as const;
const batchSize = 4096;
const stepsPerEpoch = Math.floor(imageNet.train / batchSize); // 312

/** Sizes of the two small scales, which only show that the network can be trained. */
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

function configOf(
  name: string,
  epochs: number,
  recipe: PretrainConfig<SimclrRecipe>["recipe"],
): PretrainConfig<SimclrRecipe> {
  const paper: Scale = {
    imageSize: 224,
    trainCount: imageNet.train,
    testCount: imageNet.val,
    batchSize,
    epochs,
    monitorEvery: 20 * stepsPerEpoch,
  };
  return {
    name: `${name}_${epochs}ep`,
    data: { kind: "imagenet" },
    recipe,
    scales: { ...small, paper },
  };
}

/** SimCLR's recipe for 1,000 epochs (Chen et al. 2020a, §2 and appendix B). */
const v1: PretrainConfig<SimclrRecipe>["recipe"] = {
  method: "simclr",
  model: resNetConfig(50, { width: 4 }),
  head: { layers: 2, outDim: 128 },
  crops: simclrCrops,
  optimizer: "lars_simclr",
  lr: 0.3, // 4.8 for a batch of 4,096
  minLr: 0,
  warmupShare: 10 / 1000,
  weightDecay: 1e-6,
  weightDecayEnd: 1e-6,
  clipNorm: 0,
  temperature: 0.1,
};

/**
 * SimCLRv2's recipe for 800 epochs (Chen et al. 2020b, §3.1): a higher peak of the learning rate,
 * after a longer warm-up, and a larger weight decay. These three values are not in the public code,
 * and have not been compared with the paper's text yet.
 *
 * Differs: the paper's networks also have a memory of negatives, which its public code leaves out.
 */
const v2: PretrainConfig<SimclrRecipe>["recipe"] = {
  ...v1,
  model: resNetConfig(152, { width: 2, selectiveKernels: true }),
  head: { layers: 3, keptLayers: 1, outDim: 128 },
  lr: 0.4, // 6.4 for a batch of 4,096
  warmupShare: 0.05,
  weightDecay: 1e-4,
  weightDecayEnd: 1e-4,
};

function reported(method: "SCLR" | "SimCLR-v2") {
  const { linear, knn, source } = table3.rows.find((row) => row.method === method)!;
  return { linear, knn, source };
}

/** Both runs; the costs are estimated as those of `paperRuns`. */
export const simclrRuns: readonly PaperRun<SimclrRecipe>[] = [
  { ...costOf(982.2), config: configOf("simclr_rn50w4", 1000, v1), ...reported("SCLR") },
  { ...costOf(860.5), config: configOf("simclr_v2_rn152w2_sk", 800, v2), ...reported("SimCLR-v2") },
];

/** Days on one V100 by the operations, 10^18, from what DINO's own ViT-S took. */
function costOf(exaFlops: number) {
  return { exaFlops, v100Days: 14 * exaFlops / 14.58 };
}
