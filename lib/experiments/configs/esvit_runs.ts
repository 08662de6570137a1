/**
 * EsViT's own pre-trainings on ImageNet-1K, in full size, each with its cost and the results that
 * EsViT reports.
 *
 * EsViT trains each network by the view loss alone, and by both losses. The view loss alone is
 * DINO, so those runs have its recipe. Two of them are in `paperRuns`, since the paper quotes them:
 * `swin_t_300ep` (77.0 and 74.2 %) and `swin_s_300ep` (79.2 and 76.8 %; 76.9 in EsViT's README).
 *
 * Differs: a batch is split into micro-batches of 16 images, since both losses together have the
 * logits of 180 rows for each image. We compute in float32, they in half precision. For Swin-B with
 * windows of 7 and for all networks with windows of 14, EsViT first trained 180 or 200 epochs by
 * the view loss, and then went on by both; these runs have both from the beginning.
 */
import type { ModelConfig } from "lib/models/mod.ts";
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { swinConfig } from "lib/models/swin/swin_configs.ts";
import { fraction } from "lib/paper/printed.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { EsvitRecipe } from "lib/ssl/esvit/recipe.ts";
import type { Scale } from "./config.ts";
import type { PaperRun } from "./paper_runs.ts";

const imageNet = { train: 1_281_167, val: 50_000 } as const;

/** Sizes of the two small scales, which only show that the network can be trained. */
const small: Readonly<Record<"smoke" | "laptop", Scale>> = {
  smoke: { imageSize: 96, trainCount: 64, testCount: 8, batchSize: 64, epochs: 1, monitorEvery: 1 },
  laptop: {
    imageSize: 96,
    trainCount: 1_000,
    testCount: 200,
    batchSize: 64,
    epochs: 1,
    monitorEvery: 15,
  },
};

/** The settings of all runs (main_esvit.py with the arguments of EsViT's README). */
const shared = {
  head: {
    hiddenDim: 2048,
    bottleneckDim: 256,
    outDim: 65_536,
    batchNorm: false,
    normLastLayer: false,
  },
  crops: dinoCrops,
  optimizer: "adamw",
  lr: 5e-4,
  minLr: 1e-6,
  warmupShare: 10 / 300,
  weightDecay: 0.04,
  weightDecayEnd: 0.4,
  clipNorm: 3,
  freezeLastLayerShare: 1 / 300,
  studentTemp: 0.1,
  teacherTemp: 0.07,
  warmupTeacherTemp: 0.04,
  warmupTeacherTempShare: 30 / 300,
  teacherMomentum: 0.996,
  centerMomentum: 0.9,
} as const;

/** Top-1 of the linear probe and of the k-NN in percent, and floating-point operations, 10^18. */
type Result = readonly [linear: number, knn: number, exaFlops: number];

/** A network of EsViT's tables, with the results of each of its runs. */
interface Row {
  readonly name: string;
  readonly model: ModelConfig;
  /** Images in a batch. By default, 512. */
  readonly batchSize?: number;
  /** Whether the lengths of the prototypes stay 1. By default, they do not. */
  readonly normLastLayer?: boolean;
  /** By the view loss alone. */
  readonly view?: Result;
  /** By both losses. */
  readonly both: Result;
}

const rows: readonly Row[] = [
  { name: "swin_t_w7", model: swinConfig("tiny"), both: [78.0, 75.7, 59.34] },
  { name: "swin_s_w7", model: swinConfig("small"), both: [79.5, 77.7, 101.68] },
  {
    name: "swin_b_w7",
    model: swinConfig("base"),
    view: [79.6, 77.7, 159.97],
    both: [80.4, 78.9, 170.99],
  },
  {
    name: "swin_t_w14",
    model: swinConfig("tiny", { windowSize: 14 }),
    view: [77.9, 75.5, 64.89],
    both: [78.7, 77.0, 75.67],
  },
  {
    name: "swin_s_w14",
    model: swinConfig("small", { windowSize: 14 }),
    both: [80.8, 79.1, 144.96],
  },
  {
    name: "swin_b_w14",
    model: swinConfig("base", { windowSize: 14 }),
    normLastLayer: true,
    both: [81.3, 79.3, 241.49],
  },
  {
    name: "resnet50",
    model: resNetConfig(50),
    batchSize: 1024,
    view: [75.0, 69.1, 39.61],
    both: [75.7, 71.3, 51.62],
  },
];

/** A run of EsViT by the view loss alone, which is DINO, or by both losses. */
export type EsvitRun = PaperRun<DinoRecipe> | PaperRun<EsvitRecipe>;

function runOf(row: Row, losses: "view" | "both", [linear, knn, exaFlops]: Result): EsvitRun {
  const { name, model, batchSize = 512, normLastLayer = false } = row;
  const paper: Scale = {
    imageSize: 224,
    trainCount: imageNet.train,
    testCount: imageNet.val,
    batchSize,
    epochs: 300,
    monitorEvery: 20 * Math.floor(imageNet.train / batchSize),
  };
  const recipe = {
    ...shared,
    model,
    head: { ...shared.head, normLastLayer },
    accumulate: batchSize / 16,
  };
  const config = {
    name: `esvit_${name}_${losses}_300ep`,
    data: { kind: "imagenet" },
    scales: { ...small, paper },
  } as const;
  const result = {
    linear: fraction(linear),
    knn: fraction(knn),
    source: "Li et al. 2022 and EsViT's README",
    exaFlops,
    v100Days: 14 * exaFlops / 14.58, // by what DINO's own ViT-S took, as in `paperRuns`
  };
  return losses === "view"
    ? { config: { ...config, recipe }, ...result }
    : { config: { ...config, recipe: { method: "esvit", ...recipe } }, ...result };
}

/** The runs by view loss alone that `paperRuns` lacks, and those by both losses. */
export const esvitRuns: readonly EsvitRun[] = rows.flatMap((row) => [
  ...(row.view ? [runOf(row, "view", row.view)] : []),
  runOf(row, "both", row.both),
]);
