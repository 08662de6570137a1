/**
 * Every figure of this room as a committed drawing, `snapshots/<name>.svg`: a legend that covers a
 * curve, or an axis that is cut, is then seen when it comes.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import type { ArmKernels } from "lib/experiments/mod.ts";
import { bcSslConfig, convNeXtConfig } from "lib/models/mod.ts";
import { blockDiagram } from "./draw/block_diagram.ts";
import { diagramNames, methodDiagram } from "./draw/method_diagram.ts";
import { type Figure, toPng, toSvg } from "./draw/plot.ts";
import { hotAreaFigure } from "./figures/cam_scores.ts";
import { courseMap } from "./figures/course.ts";
import { gainCurves } from "./figures/gain_curves.ts";
import { gainFigure } from "./figures/gain_figure.ts";
import { forestFigure } from "./figures/forest_figure.ts";
import { kernelFrequencyFigure } from "./figures/kernel_numbers.ts";
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
import { formula } from "lib/testing/formula.ts";
import { madeUpGain } from "lib/testing/results/gains.ts";
import {
  armResults,
  baselineRows,
  baselineScores,
  camRow,
  detectorHistory,
  history,
  kernels,
  labels,
  methods,
  qualities,
  robustResult,
  study,
  threeSeeds,
  trainedField,
  transfers,
} from "lib/testing/results/made_up.ts";
import { assertSvgSnapshot, borderIsWhite } from "lib/testing/snapshot.ts";

const here = dirname(fromFileUrl(import.meta.url));
/** Some of the networks, for figures that would be full with all. */
const some = [0, 3, 6, 8, 9, 10, 12].map((i) => armResults[i]!);
/** Kernels of one layer: noise before training, which is smoother after it. */
function armKernels(size: number): ArmKernels {
  const noise = formula("kernels", 4 * size * size);
  const smooth = noise.map((value, i) => value + 1.5 * Math.cos((i % (size * size)) / size));
  const layers = (values: Float32Array) => [[{ layer: "0.dwconv", size, channels: 4, values }]];
  const name = `BC-SSL, ${size}×${size}`;
  return { name, kernelSize: size, before: layers(noise), after: layers(smooth), seeds: [0] };
}

const speeds = [["BC-SSL-T", 11], ["ConvNeXt-T", 16], ["Swin-T", 14], ["RN50", 21]] as const;
/** Each drawing by its name, which begins with the name of its function. */
const figures: Readonly<Record<string, () => Figure>> = {
  armFigure: () => armFigure(armResults, "knn"),
  baselineFigure: () => baselineFigure(baselineRows),
  blockDiagram: () =>
    blockDiagram([
      { title: "ConvNeXt", config: convNeXtConfig("tiny") },
      { title: "BC-SSL", config: bcSslConfig("tiny", { kernelSize: 15 }) },
    ]),
  courseMap: () => courseMap(),
  corruptionFigure: () => corruptionFigure(some.map(robustResult)),
  detectorFigure: () => detectorFigure(study.detectors, "box"),
  gainCurves: () =>
    gainCurves([520, 2080].map((steps) => madeUpGain("steps", `${steps}`, [0.01], { steps }))),
  gainFigure: () =>
    gainFigure([
      madeUpGain("side of the image", "48 px", [-0.011], { mapSide: 6, lr: 1 }),
      madeUpGain("side of the image", "80 px", [0.002]),
      madeUpGain("side of the image", "112 px", threeSeeds(0.009), { mapSide: 14, lr: 2 }),
      madeUpGain("length of training", "2,080 steps", [0.002]),
      madeUpGain("length of training", "8,320 steps", [0.012], { lr: 3 }),
      madeUpGain("kind of images", "scenes", [0.008], { lr: 6 }),
    ], {
      confirmed: [
        madeUpGain("", "base", threeSeeds(0.001)),
        madeUpGain("", "longer", threeSeeds(0.017), { lr: 3 }),
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
        { ...camRow("Grad-CAM", size, 0.25 + size / 200), seed: 1, run: "a" },
        camRow("Eigen-CAM", size, 0.27 + size / 210),
      ]),
    ),
  kernelFrequencyFigure: () => kernelFrequencyFigure([3, 9, 15].map((size) => armKernels(size))),
  kernelSizeFigure: () =>
    kernelSizeFigure(
      [3, 5, 7, 9, 15].map((kernelSize, i) => ({
        arch: "BC-SSL-T",
        kernelSize,
        ours: threeSeeds(0.74 + i / 300, 0.004),
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
      [0, 3, 8, 12].map((i) => ({ arch: armResults[i]!.name, points: armResults[i]!.monitor })),
    ),
  networkFigure: () => networkFigure([3, 8, 9, 10].map((i) => armResults[i]!)),
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
        accuracy: threeSeeds(0.72 + i / 100),
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
