/**
 * Made-up results of the verbs, always the same, for drawings and tests of tables: networks and
 * methods that are compared, their scores on shifted images and other sets, maps, detectors, fields,
 * and curves of training. Three seeds each.
 */
import {
  type Arm,
  type ArmCams,
  armName,
  type ArmResult,
  type ArmTransfer,
  type BaselineScores,
  type CamScoreRow,
  detectorArmName,
  type DetectorArmResult,
  type LabelCurve,
  labelWays,
  methodNames,
  type MethodResult,
  methodTitle,
  type QualityScore,
  type RobustResult,
  type StudyResults,
  type TrainedField,
  transferSuites,
} from "lib/experiments/mod.ts";
import { table4, table5 } from "lib/paper/mod.ts";
import { corruptionNames } from "lib/robustness/mod.ts";
import type { HistoryLine } from "lib/runs/events.ts";

const run = { scale: "laptop", seeds: [0, 1, 2], runs: ["a", "b", "c"] } as const;

/** Values of three seeds around a mean, always the same. */
export function threeSeeds(mean: number, spread = 0.01): number[] {
  return [mean - spread, mean + 0.3 * spread, mean + 0.7 * spread];
}

/** Sizes of the kernels of the made-up networks. */
export const kernels = [3, 5, 7, 9, 15];
const arms: readonly Arm[] = [
  { arch: "resnet" },
  ...kernels.map((kernelSize): Arm => ({ arch: "convnext", kernelSize })),
  ...kernels.map((kernelSize): Arm => ({ arch: "convnext", kernelSize, batchNorm: true })),
  { arch: "vit" },
  { arch: "swin" },
];

function armResult(arm: Arm, i: number): ArmResult {
  const knn = threeSeeds(0.52 + 0.012 * i - 0.001 * (arm.kernelSize ?? 0));
  return {
    ...arm,
    ...run,
    name: armName(arm),
    family: armName(arm).split(",")[0]!,
    knn,
    bestKnn: knn.map((value) => value + 0.01),
    bestEpoch: [20, 25, 30],
    linear: knn.map((value) => value + 0.09),
    monitor: [5, 10, 15, 20, 25, 30].map((epoch) => ({
      epoch,
      values: knn.map((value) => value - 0.3 / epoch),
    })),
    paper: { knn: 0.66 + 0.004 * i, linear: 0.73 + 0.002 * i },
    data: "emoji",
  };
}

/** A ResNet, ConvNeXts and BC-SSLs with each size of kernel, a ViT and a Swin. */
export const armResults = arms.map(armResult);

/** Scores of a network on shifted images; `i`, its place among the networks, decides them. */
export function robustResult(result: ArmResult, i: number): RobustResult {
  const sketch = threeSeeds(0.2 + i / 60);
  const errors = Object.fromEntries(
    corruptionNames.map((name, c) => [name, Array(5).fill(0.4 + (c * 7 + i * 5) % 15 / 40)]),
  );
  const accuracy = { images: 64, all: 0.3, among: 0.3, classes: 97, largest: 0.1 };
  const score = { clean: accuracy, sketch: accuracy, rendition: accuracy, adversarial: accuracy };
  const { arch, kernelSize } = result;
  const printed = table5.rows.find((row) =>
    row.epochs === 100 &&
    row.arch === (arch === "swin" ? "Swin-T" : "BC-SSL-T") &&
    row.kernelSize === (kernelSize ?? null)
  );
  return {
    ...result,
    corruption: sketch.map((value) => 1.2 - value),
    meanError: sketch.map((value) => 0.9 - value),
    sketch,
    rendition: sketch.map((value) => value / 2),
    adversarial: sketch.map((value) => value / 4),
    scores: run.seeds.map(() => ({ ...score, errors })),
    baseline: "ResNet",
    printed,
  };
}

function detectorResult(kernelSize: number, pretrained: boolean): DetectorArmResult {
  const boxAp = threeSeeds((pretrained ? 0.42 : 0.25) + kernelSize / 200);
  const row = table4.rows.find((row) => row.epochs === 100 && row.kernelSize === kernelSize);
  const times = (factor: number) => boxAp.map((value) => value * factor);
  return {
    ...run,
    kernelSize,
    pretrained,
    name: detectorArmName({ kernelSize, pretrained }),
    ...{ boxAp, boxAp50: times(1.5), boxAp75: times(1.1) },
    ...{ maskAp: times(0.9), maskAp50: times(1.4), maskAp75: times(0.8) },
    paper: pretrained ? row : undefined,
  };
}

/** Scores of the maps of one method; `mean` is the share of the image that is hot. */
export function camRow(
  method: CamScoreRow["method"],
  kernelSize: number,
  mean: number,
): CamScoreRow {
  const of = (mean: number) => ({ n: 100, mean, standardError: 0.01 });
  const scores = {
    ...{ pointing: of(0.6), energy: of(0.5), iou: of(0.4), covered: of(0.5) },
    ...{ hotArea: of(mean), objectArea: of(0.31) },
  } as CamScoreRow["scores"];
  return {
    name: `BC-SSL, ${kernelSize}×${kernelSize}`,
    layers: ["stages.1.2"],
    ...{ method, kernelSize, threshold: 0.5, scores },
  };
}

/** A field that falls off as a Gaussian does, and is wider after training. */
export function trainedField(kernelSize: number): TrainedField {
  const wide = 10 + 2 * kernelSize;
  const weights = (spread: number) => {
    const values = Float64Array.from({ length: 400 }, (_, i) => {
      const [x, y] = [20 * (i % 20 - 9.5), 20 * (Math.floor(i / 20) - 9.5)];
      return Math.exp(-(x * x + y * y) / (2 * spread * spread));
    });
    return {
      map: { side: 20, values },
      sides: [1, 1.3, 2, 6].map((side) => threeSeeds(side * spread)),
    };
  };
  return {
    ...run,
    name: `BC-SSL, ${kernelSize}×${kernelSize}`,
    kernelSize,
    trainedOn: 80,
    measuredOn: 400,
    before: weights(wide),
    after: weights(1.3 * wide),
  };
}

function armCams(result: ArmResult): ArmCams {
  const size = result.kernelSize ?? 3;
  const rows = run.seeds.flatMap((seed) => [
    camRow("Grad-CAM", size, 0.25 + size / 200 + seed / 100),
    camRow("Eigen-CAM", size, 0.4 - size / 210 + size * seed / 1000),
  ]);
  return { ...result, rows };
}

const larger = ["replknet", "slak"].map((arch) => ({ arch }) as Arm);
/** The arms and larger ones, with seeds that differ, so that differences have an interval. */
const scattered = [...arms, ...larger].map(armResult).map((result, i): ArmResult => {
  const noise = (seed: number) => ((i * 7 + seed * 5) % 11 - 5) / 1500;
  const knn = result.knn.map((value, seed) => value + noise(seed));
  return { ...result, knn, linear: knn.map((value, seed) => value + 0.09 + noise(seed + 3)) };
});

/** What `study` returns: every kind of result of the same networks. */
export const study: StudyResults = {
  arms: scattered,
  detectors: [3, 5, 7, 9].flatMap((size) => [true, false].map((way) => detectorResult(size, way))),
  robust: scattered.map(robustResult),
  maps: scattered.map(armCams),
  ...{ scale: "laptop", pixels: 96 },
};

/** A run of DINO: metrics of every step, and the monitor's every 50 steps. */
export function history(seed: number, steps = 600): HistoryLine[] {
  return Array.from({ length: steps }, (_, i) => {
    const done = (i + 1) / steps;
    const metrics = {
      loss: 6.2 - 2.5 * done + ((i * 37 + seed * 11) % 17) / 40,
      teacherEntropy: 5.4 - 3 * done * (2 - done),
      featureStd: 0.004 + 0.031 * done + seed / 500,
    };
    const knn20Top1 = 0.45 + 0.3 * done - seed / 40;
    return { step: i + 1, metrics: (i + 1) % 50 === 0 ? { ...metrics, knn20Top1 } : metrics };
  });
}

/** A run of a detector: its loss, and every 100 steps its AP. */
export const detectorHistory = history(0, 400).map(({ step, metrics: { loss } }): HistoryLine => {
  const metrics = { loss: loss! };
  if (step % 100 !== 0) return { step, metrics };
  return { step, metrics: { ...metrics, boxAp: step / 1200, maskAp: step / 1400 } };
});

/** Features of DINO beside raw pixels, random weights and the supervised twin. */
export const baselineScores: BaselineScores = {
  ...{ method: "DINO", scale: "laptop", seeds: [0, 1, 2], k: 20 },
  scores: ([
    ["pixels", "raw pixels", 0.66],
    ["init", "random weights", 0.61],
    ["teacher", "DINO", 0.74],
    ["supervised", "supervised", 0.99],
  ] as const).map(([of, features, mean]) => ({
    ...{ of, features, rates: [0.1, 0.1, 0.3], runs: ["a", "b", "c"] },
    knn: of === "pixels" ? [mean] : threeSeeds(mean),
    linear: of === "supervised" ? [1, 1, 1] : threeSeeds(mean + 0.01, 0.004),
  })),
};

/** Rows of the table of baselines. */
export const baselineRows = ([
  ["trained teacher", threeSeeds(0.742)],
  ["raw pixels", [0.66]],
  ["random weights", threeSeeds(0.61)],
  ["chance", [0.1]],
] as const).map(([features, values]) => ({
  features,
  "top-1 (%)": 100 * values.reduce((sum, value) => sum + value, 0) / values.length,
  "± s.e.": 0.5,
  n: values.length,
  "each seed (%)": values.map((value) => 100 * value),
  scale: "laptop",
  runs: "",
}));

/** Three methods, three seeds each; the last run of the last has collapsed. */
export const qualities =
  ([["DINO", 60, 30, 1.4], ["BYOL", 90, 45, 1.1], ["SimCLR", 75, 41, 0.8]] as const)
    .flatMap(([name, rankMe, lidar, alphaReQ], i) =>
      run.seeds.map((seed): QualityScore => ({
        ...{ name, seed, of: "teacher", version: "step 9", scale: "laptop" },
        run: `${name}-${seed}`,
        ...{ featureDim: 192, images: 6656, lidarImages: 400, lidarViews: 10 },
        rankMe: rankMe + 3 * seed,
        lidar: lidar - 2 * seed,
        alphaReQ: i === 2 && seed === 2 ? NaN : alphaReQ + seed / 20,
        linear: i === 2 && seed === 2 ? 0.2 : 0.3 + 0.06 * i + 0.01 * ((seed * 2) % 3),
      }))
    );

/** Five networks on eight sets. */
export const transfers = [0, 1, 3, 6, 9].map((i): ArmTransfer => {
  const { name, family, ...arm } = armResults[i]!;
  const scores = transferSuites.laptop.slice(0, 8).map((set, s) => ({
    ...{ set, title: set, metric: "accuracy" as const },
    values: threeSeeds(0.5 + 0.03 * s + 0.004 * i + 0.02 * ((i * (s + 3)) % 5)),
  }));
  return { ...arm, ...run, name, family, scores, protocol: "probe" };
});

/** A network with ever more labels. */
export const labels: LabelCurve = {
  ...{ name: "BC-SSL, 9×9", title: "Garments, placed", ...run },
  points: labelWays.flatMap((way, w) =>
    [10, 20, 50, Infinity].map((shots, i) => ({
      ...{ way, shots, images: shots === Infinity ? 2000 : 10 * shots },
      values: threeSeeds(0.5 + 0.08 * i + (1 - w) * 0.06 * (3 - i)),
    }))
  ),
};

/** Five methods on four networks; the last method has one seed. */
export const methods = methodNames.slice(0, 5).flatMap((method, m) =>
  [1, 4, 6, 9].map((i): MethodResult => {
    const { paper: _, ...result } = scattered[i]!;
    const shifted = (values: readonly number[], shift: number) =>
      values.slice(0, m < 4 ? 3 : 1).map((x, s) => x - shift * i + ((m * 3 + i * s) % 4) / 900);
    const [knn, linear] = [shifted(result.knn, 0.008 + m / 900), shifted(result.linear, 0.01)];
    const other = { method, title: methodTitle(method), rankMe: [], alphaReQ: [] };
    return { ...result, ...other, knn, linear, seeds: run.seeds.slice(0, knn.length) };
  })
);
