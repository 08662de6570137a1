/** Results of `ablate` beside the paper's: a table, a figure over kernel sizes, and the monitor. */
import type { ArmResult } from "lib/experiments/mod.ts";
import { meanAndError, pairedDifference } from "lib/stats/statistics.ts";
import { type KernelArm, kernelSizeFigure } from "lib/report/figures/kernel_size_figure.ts";
import { type MonitorCurve } from "lib/report/figures/monitor_figure.ts";
import type { Figure } from "lib/report/draw/plot.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import { percent } from "lib/report/tables/percent.ts";

/** Which of the two accuracies of an arm: k-NN or linear probe. */
export type ArmMetric = "knn" | "linear";

/** The accuracies in tables and figures. */
export const metricTitles = { knn: "k-NN", linear: "linear" } as const;

/**
 * One row per arm, in percent: the paper's number on ImageNet-1K, and ours with its standard error
 * over seeds. For the k-NN, the best value during training stands in its own column.
 */
export function armTable(results: readonly ArmResult[]): Table {
  const rows = results.map((result) => {
    const { name, paper, knn, bestKnn, linear } = result;
    return {
      network: name,
      "k-NN: paper (%)": percent(paper.knn),
      "k-NN: ours (%)": percent(meanAndError(knn).mean),
      "k-NN ± s.e.": percent(meanAndError(knn).standardError),
      "k-NN: our best on the way (%)": percent(meanAndError(bestKnn).mean),
      "linear: paper (%)": percent(paper.linear),
      "linear: ours (%)": percent(meanAndError(linear).mean),
      "linear ± s.e.": percent(meanAndError(linear).standardError),
      ...originColumns(result),
    };
  });
  const note =
    "Paper: ImageNet-1K, 100 epochs. Ours: means over seeds, after the last step; the best on the way is chosen on " +
    "the test images, so it flatters.";
  const anchors = [...new Set(results.map(({ data }) => data))].flatMap((data) =>
    published[data] ?? []
  );
  return { ...tableOf(rows), notes: [note, ...anchors] };
}

/** What others published on the photographs, for the notes of tables. */
const published: Readonly<Partial<Record<ArmResult["data"], string>>> = {
  cifar10: "On all of CIFAR-10, SimCLR with a ResNet-18 reaches about 91 % by linear probe after " +
    "1,000 epochs (README of google-research/simclr).",
  imagenette:
    "On Imagenette at 128 pixels, BYOL with a ResNet-18 reaches about 92.3 % by a probe " +
    "trained on the way, after 1,000 epochs (README of BYOL in google-deepmind/deepmind-research).",
};

/** Draws accuracy against kernel size, as the paper's Figure 2: ours filled, the paper's hollow. */
export function armFigure(results: readonly ArmResult[], metric: ArmMetric): Figure {
  const arms = results.map((result): KernelArm => ({
    arch: result.family,
    kernelSize: result.kernelSize ?? null,
    ours: result[metric],
    paper: result.paper[metric],
    seeds: result.seeds,
    runs: result.runs,
  }));
  return kernelSizeFigure(arms, { label: `${metricTitles[metric]} top-1 (%)` });
}

/**
 * Gains by BatchNorm for each kernel size that was run with and without it: differences in points,
 * paired by seed, beside the paper's.
 *
 * @throws {RangeError} If no size was run both ways.
 */
export function batchNormGains(results: readonly ArmResult[]): Table {
  const rows = results.flatMap((result) => {
    const { kernelSize, batchNorm, linear, knn, paper, seeds } = result;
    const without = results.find((other) => other.kernelSize === kernelSize && !other.batchNorm);
    if (!batchNorm || without === undefined) return [];
    const [byKnn, byLinear] = [
      pairedDifference(knn, without.knn),
      pairedDifference(linear, without.linear),
    ];
    return [{
      "kernel size": `${kernelSize}×${kernelSize}`,
      "k-NN: paper (points)": difference(paper.knn, without.paper.knn),
      "k-NN: ours (points)": percent(byKnn.mean),
      "k-NN ± s.e.": percent(byKnn.standardError),
      "linear: paper (points)": difference(paper.linear, without.paper.linear),
      "linear: ours (points)": percent(byLinear.mean),
      "linear ± s.e.": percent(byLinear.standardError),
      n: seeds.length,
    }];
  });
  if (rows.length > 0) return tableOf(rows);
  throw new RangeError("Cannot tell what BatchNorm gains: no kernel size was run with and without");
}

/**
 * For every arm, the k-NN after the last step and the best during training, in percent, with its
 * epoch.
 */
export function lastAndBest(results: readonly ArmResult[]): Table {
  const rows = results.map(({ name, knn, bestKnn, bestEpoch, monitor, seeds }) => ({
    network: name,
    "last k-NN (%)": percent(meanAndError(knn).mean),
    "± s.e.": percent(meanAndError(knn).standardError),
    "best k-NN (%)": percent(meanAndError(bestKnn).mean),
    "best ± s.e.": percent(meanAndError(bestKnn).standardError),
    "best at epoch, each seed": bestEpoch,
    "of epochs": monitor.at(-1)!.epoch,
    n: seeds.length,
  }));
  return tableOf(rows);
}

/** Curves of the k-NN through training, for `monitorFigure`. */
export function monitorCurves(results: readonly ArmResult[]): MonitorCurve[] {
  return results.map(({ name, monitor, seeds, runs }) => ({
    ...{ arch: name, points: monitor, seeds, runs },
  }));
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : percent(a - b);
}
