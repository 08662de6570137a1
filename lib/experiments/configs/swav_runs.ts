/**
 * SwAV's trainings on ImageNet-1K, in full size, by the scripts and for the results of its public
 * code (facebookresearch/swav, scripts/ and README.md), each with its cost. Two of them are rows of
 * Table 3, which also quotes a k-NN.
 *
 * They need batches in one piece, since all images of a batch share the prototypes.
 */
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { table3 } from "lib/paper/mod.ts";
import type { SwavRecipe } from "lib/ssl/swav/recipe.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import type { PretrainConfig, Scale } from "./config.ts";
import type { PaperRun } from "./paper_runs.ts";

const imageNet = { train: 1_281_167, val: 50_000 } as const;

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

type Settings = PretrainConfig<SwavRecipe>["recipe"];

/** What one script sets otherwise than the others. */
interface Script {
  readonly name: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly recipe: Settings;
}

function configOf({ name, epochs, batchSize, recipe }: Script): PretrainConfig<SwavRecipe> {
  const stepsPerEpoch = Math.floor(imageNet.train / batchSize);
  const paper: Scale = {
    imageSize: 224,
    trainCount: imageNet.train,
    testCount: imageNet.val,
    batchSize,
    epochs,
    monitorEvery: 20 * stepsPerEpoch,
  };
  return { name, data: { kind: "imagenet" }, recipe, scales: { ...small, paper } };
}

/**
 * The recipe of the scripts for a batch of 4,096 images. The prototypes are frozen for 313 steps,
 * one more than our epochs have.
 */
function largeBatch(epochs: number): Settings {
  return {
    method: "swav",
    model: resNetConfig(50),
    head: { hiddenDim: 2048, outDim: 128, prototypes: 3000 },
    crops: swavCrops,
    optimizer: "lars_swav",
    lr: 0.3, // 4.8 for a batch of 4,096
    startLr: 0.3,
    minLr: 0.0048,
    warmupShare: 10 / epochs,
    weightDecay: 1e-6,
    weightDecayEnd: 1e-6,
    clipNorm: 0,
    temperature: 0.1,
    epsilon: 0.05,
    sinkhornIterations: 3,
    queueLength: 0,
    queueStartShare: 0,
    freezePrototypesShare: 313 / (312 * epochs),
  };
}

/** The recipe of the scripts for a batch of 256 images: a queue, and no warm-up. */
function smallBatch(epochs: number): Settings {
  return {
    ...largeBatch(epochs),
    lr: 0.6,
    startLr: 0,
    minLr: 0.0006,
    warmupShare: 0,
    queueLength: 3840,
    queueStartShare: 15 / epochs,
    freezePrototypesShare: 5005 / (5004 * epochs),
  };
}

const { crops } = largeBatch(400);
const twoCrops = { ...crops, globalScale: [0.08, 1], localCrops: 0 } as const;
const fourLocal = { ...crops, localCrops: 4 } as const;

/** ResNet-50 at a multiple of its width; its script has four local crops. */
function wide(width: 2 | 4 | 5, changes: Partial<Settings>): Settings {
  const head = { ...largeBatch(400).head, hiddenDim: 2048 * width };
  const model = resNetConfig(50, { width });
  return { ...largeBatch(400), model, head, crops: fourLocal, ...changes };
}

const wide4 = wide(4, {
  lr: 4.8 * 256 / 2560,
  crops: { ...fourLocal, globalScale: [0.08, 1], localScale: [0.08, 0.14] },
  queueLength: 2560,
  freezePrototypesShare: 313 / (500 * 400),
});

/** The script of the largest network is in the public code's history only. */
const wide5 = wide(5, {
  lr: 4.8 * 256 / 1536,
  startLr: 0.1875,
  minLr: 0,
  queueLength: 1536,
  freezePrototypesShare: 313 / (834 * 400),
});

/** A run whose result the README of the public code prints; its rows are counted from 1. */
function run(
  script: Script,
  exaFlops: number,
  printed: { readonly linear: number; readonly knn?: number | null; readonly source: string },
): PaperRun<SwavRecipe> {
  const v100Days = 14 * exaFlops / 14.58; // by what DINO's own ViT-S took
  return { config: configOf(script), exaFlops, v100Days, knn: null, ...printed };
}

const readme = (row: number) => `README of facebookresearch/swav, Model Zoo, row ${row}`;
const larger = (row: number) => `README of facebookresearch/swav, Larger architectures, row ${row}`;

/** What Table 3 quotes, which agrees with the README. */
function quoted(arch: "RN50" | "RN50w5") {
  const { linear, knn, source } = table3.rows.find((row) =>
    row.method === "SwAV" && row.arch === arch
  )!;
  return { linear, knn, source };
}

function ofLargeBatch(epochs: number): Script {
  return {
    name: `swav_rn50_${epochs}ep`,
    epochs,
    batchSize: 4096,
    recipe: largeBatch(epochs),
  };
}

function ofSmallBatch(epochs: number): Script {
  return {
    name: `swav_rn50_b256_${epochs}ep`,
    epochs,
    batchSize: 256,
    recipe: smallBatch(epochs),
  };
}

/** All runs that the README prints a result of; the costs are estimated as those of `paperRuns`. */
export const swavRuns: readonly PaperRun<SwavRecipe>[] = [
  run(ofLargeBatch(100), 9.751, { linear: 0.721, source: readme(4) }),
  run(ofLargeBatch(200), 19.5, { linear: 0.739, source: readme(3) }),
  run(ofLargeBatch(400), 39, { linear: 0.746, source: readme(2) }),
  run(ofLargeBatch(800), 78.01, quoted("RN50")),
  run(ofSmallBatch(200), 19.55, { linear: 0.727, source: readme(5) }),
  run(ofSmallBatch(400), 39.1, { linear: 0.743, source: readme(6) }),
  run(
    {
      ...ofLargeBatch(400),
      name: "swav_rn50_2x224_400ep",
      recipe: { ...largeBatch(400), crops: twoCrops },
    },
    25.1,
    { linear: 0.701, source: readme(7) },
  ),
  run({ ...ofLargeBatch(400), name: "swav_rn50w2_400ep", recipe: wide(2, {}) }, 135.5, {
    linear: 0.773,
    source: larger(1),
  }),
  run({ name: "swav_rn50w4_400ep", epochs: 400, batchSize: 2560, recipe: wide4 }, 538.7, {
    linear: 0.779,
    source: larger(2),
  }),
  run(
    { name: "swav_rn50w5_400ep", epochs: 400, batchSize: 1536, recipe: wide5 },
    841.2,
    quoted("RN50w5"),
  ),
];
