/**
 * Results of `robustness` beside Table 5: a table, and figures over kernel sizes and by corruption.
 */
import * as Plot from "@observablehq/plot";
import type { RobustResult } from "lib/experiments/mod.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { corruptionNames, isNearChance, meanErrors } from "lib/robustness/mod.ts";
import { type KernelArm, kernelSizeFigure } from "lib/report/figures/kernel_size_figure.ts";
import { colours, type Figure, gridOf, plot } from "lib/report/draw/plot.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import { percent } from "lib/report/tables/percent.ts";

/** Columns of Table 5. */
export type RobustMetric = "corruption" | "sketch" | "rendition" | "adversarial";

/** The metrics in the order of Table 5. */
export const robustMetrics: readonly RobustMetric[] = [
  "corruption",
  "sketch",
  "rendition",
  "adversarial",
];

const letters = {
  corruption: "C ↓",
  sketch: "SK ↑",
  rendition: "R ↑",
  adversarial: "A ↑",
} as const;
const axes = {
  corruption: "C: mCE (%), lower is better",
  sketch: "SK: top-1 on sketches (%)",
  rendition: "R: top-1 on renditions (%)",
  adversarial: "A: top-1 on hard images (%)",
} as const;

/**
 * Table 5's columns, in percent: the paper's number on ImageNet, and ours with its standard error
 * over seeds. A last column names those of a network that are too near chance to mean anything.
 * Notes say which images each column is measured on, how many, what chance is, and which share the
 * largest class has.
 */
export function robustTable(results: readonly RobustResult[]): Table {
  const rows = results.map((result) => {
    const { name, linear, knn, printed, meanError, scale, seeds, runs } = result;
    const shifted = robustMetrics.map((metric) =>
      columns(letters[metric], result[metric], printed?.[metric])
    );
    return {
      network: name,
      ...columns("linear ↑", linear, printed?.linear),
      ...columns("k-NN ↑", knn, printed?.knn),
      ...Object.assign({}, ...shifted),
      "error, not normalised (%)": percent(meanAndError(meanError).mean),
      ...amongColumns(result),
      "near chance": nearChance(result).map((metric) => shortNames[metric]).join(", "),
      ...originColumns({ scale, seeds, runs }),
    };
  });
  return { ...tableOf(rows), notes: results[0] ? [noteOf(results[0]), chanceOf(results[0])] : [] };
}

/** Columns of Table 5 by their letters. */
const shortNames = {
  corruption: "C",
  sketch: "SK",
  rendition: "R",
  adversarial: "A",
} as const satisfies Record<RobustMetric, string>;

/**
 * The columns in which a network is hardly better than always naming the largest class, so that a
 * difference between networks, or a trend, means nothing there. On A, the network that chose the
 * images is left out: it misses all of them by construction.
 */
export function nearChance(result: RobustResult): RobustMetric[] {
  const { scores, meanError, baseline, family } = result;
  const accuracies = {
    corruption: scores.map(({ clean }, seed) => ({ ...clean, all: 1 - meanError[seed]! })),
    sketch: scores.map(({ sketch }) => sketch),
    rendition: scores.map(({ rendition }) => rendition),
    adversarial: scores.map(({ adversarial }) => adversarial),
  };
  return robustMetrics.filter((metric) =>
    isNearChance(accuracies[metric]) && !(metric === "adversarial" && family === baseline)
  );
}

/** What an accuracy has to be compared with, and the rule of the column `near chance`. */
function chanceOf({ scores }: RobustResult): string {
  const { classes } = scores[0]!.clean;
  const largest = (of: "clean" | "sketch" | "rendition" | "adversarial") =>
    (100 * meanAndError(scores.map((score) => score[of].largest)).mean).toFixed(1);
  return `Chance is ${
    (100 / classes).toFixed(1)
  } % (${classes} classes). Always naming the largest ` +
    `class is right in ${largest("clean")} % of the clean images and of C, ${
      largest("sketch")
    } % of ` +
    `SK, ${largest("rendition")} % of R and ${
      largest("adversarial")
    } % of A. Columns under "near ` +
    `chance" are not above that by two standard errors of counting: there the network's number ` +
    `means nothing.`;
}

function columns(label: string, ours: readonly number[], paper: number | undefined) {
  const { mean, standardError } = meanAndError(ours);
  return {
    [`${label}: paper (%)`]: percent(paper),
    [`${label}: ours (%)`]: percent(mean),
    [`${label} ± s.e.`]: percent(standardError),
  };
}

/**
 * Columns for ImageNet's sets of 200 classes as their own authors print them: with only those
 * classes as candidates.
 */
function amongColumns({ scale, scores }: RobustResult) {
  if (scale !== "paper") return {};
  const mean = (of: "rendition" | "adversarial") =>
    percent(meanAndError(scores.map((score) => score[of].among)).mean);
  return {
    "R among its 200 classes (%)": mean("rendition"),
    "A among its 200 classes (%)": mean("adversarial"),
  };
}

function noteOf({ baseline, scores, scale, data }: RobustResult): string {
  const count = (of: "clean" | "sketch" | "rendition" | "adversarial") =>
    [...new Set(scores.map((score) => score[of].images))].join(", ");
  const where = scale === "paper" ? "ImageNet-C, -Sketch, -R and -A" : data;
  return "Paper: ImageNet-C, -Sketch, -R and -A, 100 epochs; it does not say whether C is normalised. Ours, on " +
    `${where}: means over seeds; C is normalised by the errors of ${baseline}. Images, by seed where they differ: clean ` +
    `${count("clean")}, each in 15 corruptions of 5 severities; SK ${count("sketch")}, R ` +
    `${count("rendition")}, A ${count("adversarial")}.`;
}

/** Draws each of the four columns against kernel size, ours and the paper's. */
export function robustFigure(results: readonly RobustResult[]): Figure {
  const panels = robustMetrics.map((metric) => {
    const arms = results.map((result): KernelArm => ({
      arch: result.family,
      kernelSize: result.kernelSize ?? null,
      ours: result[metric],
      paper: result.printed?.[metric],
      seeds: result.seeds,
      runs: result.runs,
    }));
    return kernelSizeFigure(arms, { label: axes[metric] });
  });
  return gridOf(panels, { columns: 1, width: 800, height: 380 });
}

/**
 * Draws networks by corruptions: the error in percent, mean over severities and seeds. The colour
 * is the distance from the mean of the column, since some corruptions are harder than others: blue
 * is better than the other networks, vermilion worse.
 *
 * @throws {RangeError} If there is no result.
 */
export function corruptionFigure(results: readonly RobustResult[]): Figure {
  if (results.length === 0) throw new RangeError("Cannot draw corruptions: there is no result");
  const cells = corruptionNames.flatMap((name) => {
    const errors = results.map(({ scores }) =>
      meanAndError(scores.map(({ errors }) => 100 * meanErrors(errors)[name]!)).mean
    );
    const mean = meanAndError(errors).mean;
    return errors.map((error, i) => ({
      network: results[i]!.name,
      corruption: name.replaceAll("_", " "),
      error,
      above: error - mean,
    }));
  });
  const most = Math.max(...cells.map(({ above }) => Math.abs(above)), 1e-9);
  const place = { x: "corruption", y: "network" };
  return plot({
    width: 960,
    height: 150 + 30 * results.length,
    marginLeft: 130,
    marginTop: 10,
    marginBottom: 120,
    x: {
      domain: corruptionNames.map((name) => name.replaceAll("_", " ")),
      label: null,
      tickRotate: -40,
    },
    y: { domain: results.map(({ name }) => name), label: null },
    color: {
      type: "linear",
      domain: [-most, 0, most],
      range: [colours.sky, "#ffffff", colours.vermilion],
    },
    marks: [
      Plot.cell(cells, { ...place, fill: "above", inset: 0.5 }),
      Plot.text(cells, { ...place, text: ({ error }) => error.toFixed(1), fill: "black" }),
    ],
  });
}
