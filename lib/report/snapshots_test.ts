/**
 * Every figure of this room as a committed drawing, `snapshots/<name>.svg`: a legend that covers a
 * curve, or an axis that is cut, is then seen when it comes.
 */
import { dirname, fromFileUrl, join } from "@std/path";
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
import { bcSslConfig, convNeXtConfig } from "lib/models/mod.ts";
import { corruptionNames } from "lib/robustness/mod.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { blockDiagram } from "./draw/block_diagram.ts";
import { diagramNames, methodDiagram } from "./draw/method_diagram.ts";
import { type Figure, toPng, toSvg } from "./draw/plot.ts";
import { hotAreaFigure } from "./figures/cam_scores.ts";
import { gainCurves } from "./figures/gain_curves.ts";
import { gainFigure } from "./figures/gain_figure.ts";
import { forestFigure } from "./figures/forest_figure.ts";
import { kernelSizeFigure } from "./figures/kernel_size_figure.ts";
import { monitorFigure } from "./figures/monitor_figure.ts";
import { receptiveFieldFigure } from "./figures/receptive_field.ts";
import { networkFigure } from "./figures/network_figure.ts";
import { paperSpeeds, throughputFigure } from "./figures/throughput_figure.ts";
import { trainingCurves } from "./figures/training_curves.ts";
import { armFigure } from "./results/ablation.ts";
import { baselineFigure } from "./results/baselines.ts";
import { claimOverview, overviewFigure } from "./results/claim_overview.ts";
import { scoreFigure } from "./results/feature_scores.ts";
import { detectorFigure } from "./results/detector_results.ts";
import { methodFigure } from "./results/method_results.ts";
import { labelFigure } from "./transfer/label_results.ts";
import { criticalDifferenceFigure } from "./transfer/transfer_results.ts";
import { qualityFigure } from "./results/quality_results.ts";
import { corruptionFigure, robustFigure } from "./results/robustness_results.ts";
import { trainedFieldFigure } from "./results/trained_field_results.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { madeUpGain } from "lib/testing/results/gains.ts";
import { assertSvgSnapshot, borderIsWhite } from "lib/testing/snapshot.ts";

const here = dirname(fromFileUrl(import.meta.url));
const run = { scale: "laptop", seeds: [0, 1, 2], runs: ["a", "b", "c"] } as const;

/** Values of three seeds around a mean, always the same. */
function seeds(mean: number, spread = 0.01): number[] {
  return [mean - spread, mean + 0.3 * spread, mean + 0.7 * spread];
}

const kernels = [3, 5, 7, 9, 15];
const arms: readonly Arm[] = [
  { arch: "resnet" },
  ...kernels.map((kernelSize): Arm => ({ arch: "convnext", kernelSize })),
  ...kernels.map((kernelSize): Arm => ({ arch: "convnext", kernelSize, batchNorm: true })),
  { arch: "vit" },
  { arch: "swin" },
];

function armResult(arm: Arm, i: number): ArmResult {
  const knn = seeds(0.52 + 0.012 * i - 0.001 * (arm.kernelSize ?? 0));
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

const results = arms.map(armResult);
const some = [0, 3, 6, 8, 9, 10, 12].map((i) => results[i]!);

function robustResult(result: ArmResult, i: number): RobustResult {
  const sketch = seeds(0.2 + i / 60);
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
  const boxAp = seeds((pretrained ? 0.42 : 0.25) + kernelSize / 200);
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

function camRow(method: CamScoreRow["method"], kernelSize: number, mean: number): CamScoreRow {
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
function trainedField(kernelSize: number): TrainedField {
  const wide = 10 + 2 * kernelSize;
  const weights = (spread: number) => {
    const values = Float64Array.from({ length: 400 }, (_, i) => {
      const [x, y] = [20 * (i % 20 - 9.5), 20 * (Math.floor(i / 20) - 9.5)];
      return Math.exp(-(x * x + y * y) / (2 * spread * spread));
    });
    return { map: { side: 20, values }, sides: [1, 1.3, 2, 6].map((side) => seeds(side * spread)) };
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

const study: StudyResults = {
  arms: scattered,
  garments: scattered.filter(({ kernelSize }) => kernelSize === 3 || kernelSize === 9),
  detectors: [3, 5, 7, 9].flatMap((size) => [true, false].map((way) => detectorResult(size, way))),
  robust: scattered.map(robustResult),
  maps: scattered.map(armCams),
  ...{ scale: "laptop", pixels: 96 },
};

/** A run of DINO: metrics of every step, and the monitor's every 50 steps. */
function history(seed: number, steps = 600): HistoryLine[] {
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

const detectorHistory = history(0, 400).map(({ step, metrics: { loss } }): HistoryLine => {
  const metrics = { loss: loss! };
  if (step % 100 !== 0) return { step, metrics };
  return { step, metrics: { ...metrics, boxAp: step / 1200, maskAp: step / 1400 } };
});

const baselineScores: BaselineScores = {
  ...{ method: "DINO", scale: "laptop", seeds: [0, 1, 2], k: 20 },
  scores: ([
    ["pixels", "raw pixels", 0.66],
    ["init", "random weights", 0.61],
    ["teacher", "DINO", 0.74],
    ["supervised", "supervised", 0.99],
  ] as const).map(([of, features, mean]) => ({
    ...{ of, features, rates: [0.1, 0.1, 0.3], runs: ["a", "b", "c"] },
    knn: of === "pixels" ? [mean] : seeds(mean),
    linear: of === "supervised" ? [1, 1, 1] : seeds(mean + 0.01, 0.004),
  })),
};

const baselineRows = ([
  ["trained teacher", seeds(0.742)],
  ["raw pixels", [0.66]],
  ["random weights", seeds(0.61)],
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
const qualities = ([["DINO", 60, 30, 1.4], ["BYOL", 90, 45, 1.1], ["SimCLR", 75, 41, 0.8]] as const)
  .flatMap(([name, rankMe, lidar, alphaReQ], i) =>
    run.seeds.map((seed): QualityScore => ({
      ...{ name, seed, run: `${name}-${seed}`, of: "teacher", version: "step 9", scale: "laptop" },
      ...{ featureDim: 192, images: 6656, lidarImages: 400, lidarViews: 10 },
      rankMe: rankMe + 3 * seed,
      lidar: lidar - 2 * seed,
      alphaReQ: i === 2 && seed === 2 ? NaN : alphaReQ + seed / 20,
      linear: i === 2 && seed === 2 ? 0.2 : 0.3 + 0.06 * i + 0.01 * ((seed * 2) % 3),
    }))
  );

/** Five networks on eight sets. */
const transfers = [0, 1, 3, 6, 9].map((i): ArmTransfer => {
  const { name, family, ...arm } = results[i]!;
  const scores = transferSuites.laptop.slice(0, 8).map((set, s) => ({
    ...{ set, title: set, metric: "accuracy" as const },
    values: seeds(0.5 + 0.03 * s + 0.004 * i + 0.02 * ((i * (s + 3)) % 5)),
  }));
  return { ...arm, ...run, name, family, scores, protocol: "probe" };
});

/** A network with ever more labels. */
const labels: LabelCurve = {
  ...{ name: "BC-SSL, 9×9", title: "Garments, placed", ...run },
  points: labelWays.flatMap((way, w) =>
    [10, 20, 50, Infinity].map((shots, i) => ({
      ...{ way, shots, images: shots === Infinity ? 2000 : 10 * shots },
      values: seeds(0.5 + 0.08 * i + (1 - w) * 0.06 * (3 - i)),
    }))
  ),
};

/** Five methods on four networks; the last method has one seed. */
const methods = methodNames.slice(0, 5).flatMap((method, m) =>
  [1, 4, 6, 9].map((i): MethodResult => {
    const { paper: _, ...result } = scattered[i]!;
    const shifted = (values: readonly number[], shift: number) =>
      values.slice(0, m < 4 ? 3 : 1).map((x, s) => x - shift * i + ((m * 3 + i * s) % 4) / 900);
    const [knn, linear] = [shifted(result.knn, 0.008 + m / 900), shifted(result.linear, 0.01)];
    const other = { method, title: methodTitle(method), rankMe: [], alphaReQ: [] };
    return { ...result, ...other, knn, linear, seeds: run.seeds.slice(0, knn.length) };
  })
);

const speeds = [["BC-SSL-T", 11], ["ConvNeXt-T", 16], ["Swin-T", 14], ["RN50", 21]] as const;
/** Each drawing by its name, which begins with the name of its function. */
const figures: Readonly<Record<string, () => Figure>> = {
  armFigure: () => armFigure(results, "knn"),
  baselineFigure: () => baselineFigure(baselineRows),
  blockDiagram: () =>
    blockDiagram([
      { title: "ConvNeXt", config: convNeXtConfig("tiny") },
      { title: "BC-SSL", config: bcSslConfig("tiny", { kernelSize: 15 }) },
    ]),
  corruptionFigure: () => corruptionFigure(some.map(robustResult)),
  detectorFigure: () => detectorFigure(study.detectors, "box"),
  gainCurves: () =>
    gainCurves([520, 2080].map((steps) => madeUpGain("steps", `${steps}`, [0.01], { steps }))),
  gainFigure: () =>
    gainFigure([
      madeUpGain("side of the image", "48 px", [-0.011], { mapSide: 6, lr: 1 }),
      madeUpGain("side of the image", "80 px", [0.002]),
      madeUpGain("side of the image", "112 px", seeds(0.009), { mapSide: 14, lr: 2 }),
      madeUpGain("length of training", "2,080 steps", [0.002]),
      madeUpGain("length of training", "8,320 steps", [0.012], { lr: 3 }),
      madeUpGain("kind of images", "scenes", [0.008], { lr: 6 }),
    ], {
      confirmed: [
        madeUpGain("", "base", seeds(0.001)),
        madeUpGain("", "longer", seeds(0.017), { lr: 3 }),
      ],
    }),
  forestFigure: () =>
    forestFigure([{
      groups: [{
        heading: "Two studies",
        rows: [
          {
            ...{ says: "BC-SSL is above Swin", source: "§3.3, Figure 2, k-NN", paper: 0.006 },
            effects: [
              { mean: -0.0153, interval: [-0.0203, -0.0102], n: 3, verdict: "disagrees" },
              { mean: 0.011, interval: [0.004, 0.018], n: 5, verdict: "agrees" },
            ],
          },
          {
            ...{ says: "tested by one seed, and only now", source: "ours", paper: null },
            effects: [undefined, {
              ...{ mean: 0.01, interval: [-Infinity, Infinity], n: 1, verdict: "cannot tell" },
            }],
          },
        ],
      }],
    }], { studies: ["32 px", "96 px"] }),
  hotAreaFigure: () =>
    hotAreaFigure(
      kernels.flatMap((size) => [
        camRow("Grad-CAM", size, 0.25 + size / 200),
        camRow("Eigen-CAM", size, 0.27 + size / 210),
      ]),
    ),
  kernelSizeFigure: () =>
    kernelSizeFigure(
      [3, 5, 7, 9, 15].map((kernelSize, i) => ({
        arch: "BC-SSL-T",
        kernelSize,
        ours: seeds(0.74 + i / 300, 0.004),
        paper: [0.7404, 0.7435, 0.7448, 0.7501, 0.7447][i],
      })),
      { label: "linear top-1 (%)" },
    ),
  ...Object.fromEntries(
    diagramNames.map((name) => [`methodDiagram-${name}`, () => methodDiagram(name)]),
  ),
  criticalDifferenceFigure: () => criticalDifferenceFigure(transfers),
  labelFigure: () => labelFigure(labels),
  methodFigure: () => methodFigure(methods),
  monitorFigure: () =>
    monitorFigure(
      [0, 3, 8, 12].map((i) => ({ arch: results[i]!.name, points: results[i]!.monitor })),
    ),
  networkFigure: () => networkFigure([3, 8, 9, 10].map((i) => results[i]!)),
  overviewFigure: () => overviewFigure(claimOverview(study)),
  qualityFigure: () => qualityFigure(qualities),
  receptiveFieldFigure: () =>
    receptiveFieldFigure(
      kernels.map((kernelSize) => ({
        kernelSize,
        map: { side: 2, values: new Float64Array(4).fill(1) },
        half: 21 + 6 * kernelSize,
        most: 95 + 13 * kernelSize,
      })),
    ),
  robustFigure: () => robustFigure(some.map(robustResult)),
  scoreFigure: () => scoreFigure(baselineScores),
  throughputFigure: () =>
    throughputFigure([
      ...paperSpeeds("linear"),
      ...speeds.map(([arch, imagesPerSecond], i) => ({
        ...{ arch, device: "two cores", imagesPerSecond, ours: true },
        accuracy: seeds(0.72 + i / 100),
      })),
    ], { label: "linear top-1 (%)" }),
  trainedFieldFigure: () => trainedFieldFigure(kernels.map(trainedField)),
  trainingCurves: () => trainingCurves([{ history: history(0) }], { totalSteps: 1000 }),
  "trainingCurves-detector": () => trainingCurves([{ history: detectorHistory }]),
  "trainingCurves-seeds": () =>
    trainingCurves([0, 1, 2].map((seed) => ({ seed, history: history(seed) }))),
};

for (const [name, draw] of Object.entries(figures)) {
  Deno.test(`the drawing of ${name} is the committed one, and not cut at its border`, async () => {
    const svg = toSvg(draw());
    assertSvgSnapshot(svg, join(here, "snapshots", `${name}.svg`));
    assertEquals(await borderIsWhite(await toPng(svg)), true, `${name} is cut at its border`);
  });
}

Deno.test("every function that draws a figure has a committed drawing, and no drawing is left over", () => {
  const parts = ["plot", "gridOf", "stackOf", "scoreBars"]; // what figures are made of
  const drawn = new Set<string>();
  for (const folder of ["draw", "figures", "results", "transfer"]) {
    for (const { name } of Deno.readDirSync(join(here, folder))) {
      if (!name.endsWith(".ts") || name.endsWith("_test.ts")) continue;
      const code = Deno.readTextFileSync(join(here, folder, name));
      for (const part of code.split("\nexport function ").slice(1)) {
        const called = part.slice(0, part.search(/\W/));
        const returns = /\): ([^\n{]+) \{\n/.exec(part)?.[1];
        if (returns === "Figure" && !parts.includes(called)) drawn.add(called);
      }
    }
  }
  assertEquals(
    [...drawn].sort(),
    [...new Set(Object.keys(figures).map((name) => name.split("-")[0]!))].sort(),
  );
  const committed = [...Deno.readDirSync(join(here, "snapshots"))].map(({ name }) => name)
    .filter((name) => !name.endsWith("-changed.svg"));
  assertEquals(committed.sort(), Object.keys(figures).map((name) => `${name}.svg`).sort());
});
