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
import type { PretrainConfig } from "./config.ts";
import { costOf, imageNetConfig } from "./imagenet_runs.ts";
import type { PaperRun } from "./paper_runs.ts";

const batchSize = 4096;

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
  {
    ...costOf(982.2),
    config: imageNetConfig("simclr_rn50w4_1000ep", v1, { batchSize, epochs: 1000 }),
    ...reported("SCLR"),
  },
  {
    ...costOf(860.5),
    config: imageNetConfig("simclr_v2_rn152w2_sk_800ep", v2, { batchSize, epochs: 800 }),
    ...reported("SimCLR-v2"),
  },
];
