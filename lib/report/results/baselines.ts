/** The trained teacher's k-NN beside what it has to beat: raw pixels, random weights and chance. */
import * as Plot from "@observablehq/plot";
import type { Baselines, TrainResult } from "lib/experiments/mod.ts";
import { meanAndError, pairedDifference } from "lib/stats/statistics.ts";
import { axisLabel, categorical, type Figure, plot } from "lib/report/draw/plot.ts";

/** One kind of features; percent, with `NaN` errors where there is one value only. */
export interface BaselineRow {
  /** Name of the kind of features. */
  readonly features: string;
  /** k-NN top-1, mean over seeds. */
  readonly "top-1 (%)": number;
  /** Standard error of the mean over seeds. */
  readonly "± s.e.": number;
  /** Number of values: seeds, or 1 where no seed matters. */
  readonly n: number;
  /** The values that the mean is of. */
  readonly "each seed (%)": readonly number[];
  /** How far the teacher is above this row, seed by seed, in standard errors of that difference. */
  readonly "teacher above it by (s.e.)"?: number;
  /** Name of the scale of the runs. */
  readonly scale: string;
  /** Ids of the runs, with commas between them. */
  readonly runs: string;
}

/**
 * The trained teacher's k-NN and what it has to beat, as rows for `saveTable` and
 * {@linkcode baselineFigure}.
 *
 * The last column is Student's t of the differences `teacher − row`, paired by seed where the row
 * depends on one.
 *
 * @param runs Results of `pretrain`, one per seed, in the order of the baselines' seeds.
 * @throws {RangeError} If a run has no k-NN for this k, or the numbers of runs and random networks
 *   differ.
 */
export function versusBaselines(
  runs: readonly TrainResult[],
  base: Baselines,
  { k }: { readonly k: number },
): BaselineRow[] {
  const scale = [...new Set(runs.map((run) => run.scale))].join(", ");
  const teacher = runs.map((run) => lastKnn(run, k));
  const ofK = (accuracies: Baselines["pixels"]) => {
    const found = accuracies.find((accuracy) => accuracy.k === k);
    if (!found) {
      throw new RangeError(`Cannot compare at k = ${k}: the baselines were not measured there`);
    }
    return found.top1;
  };
  const ids = runs.map(({ run }) => run).join(", ");
  const against = (name: string, values: readonly number[]) => ({
    ...row(name, values, scale, ""),
    "teacher above it by (s.e.)":
      pairedDifference(teacher, values.length === 1 ? values[0]! : values).inErrors,
  });
  return [
    row("trained teacher", teacher, scale, ids),
    against("raw pixels", [ofK(base.pixels)]),
    against("random weights", base.randomInit.map(ofK)),
    against("chance", [base.chance]),
  ];
}

function row(
  features: string,
  values: readonly number[],
  scale: string,
  runs: string,
): BaselineRow {
  const percent = values.map((value) => 100 * value);
  const { mean, standardError, n } = meanAndError(percent);
  return {
    features,
    "top-1 (%)": mean,
    "± s.e.": standardError,
    n,
    "each seed (%)": percent,
    scale,
    runs,
  };
}

/** The k-NN of a run at the last step where it was measured, a fraction. */
function lastKnn({ run, history }: TrainResult, k: number): number {
  const value = history.findLast(({ metrics }) => metrics[`knn${k}Top1`] !== undefined)
    ?.metrics[`knn${k}Top1`];
  if (value !== undefined) return value;
  throw new RangeError(`Run ${run} has no k-NN with k = ${k} yet: train it further`);
}

/**
 * Draws rows of {@linkcode versusBaselines}: a dot for each seed, a line for the mean, a bar of ± 1
 * standard error.
 */
export function baselineFigure(rows: readonly BaselineRow[]): Figure {
  return scoreBars(
    rows.map((r) => ({ name: r.features, values: r["each seed (%)"], runs: r.runs.split(", ") })),
    "k-NN top-1 (%)",
  );
}

/** A bar of {@linkcode scoreBars}. */
export interface ScoreBar {
  readonly name: string;
  /** Percent, one for each seed. */
  readonly values: readonly number[];
  /** Ids of the runs, one for each value, if they are known: titles of the dots. */
  readonly runs?: readonly string[];
}

/**
 * Draws bars of percentages: a dot for each seed, a line for the mean, a bar of ± 1 standard error.
 *
 * @param label Title of the axis.
 */
export function scoreBars(bars: readonly ScoreBar[], label: string): Figure {
  const dots = bars.flatMap(({ name, values, runs = [] }) =>
    values.map((value, i) => {
      const title = [`${name}: ${value.toFixed(2)} %`, runs[i]].filter(Boolean).join("\n");
      return { name, value, title };
    })
  );
  const means = bars.map(({ name, values }) => {
    const { mean, standardError } = meanAndError(values);
    const [low, high] = [mean - (standardError || 0), mean + (standardError || 0)];
    return { name, mean, low, high, end: Math.max(high, ...values) };
  });
  const text = (r: typeof means[number]) => `${r.mean.toFixed(1)} %`;
  const colour = { domain: bars.map(({ name }) => name), range: [...categorical], legend: false };
  return plot({
    height: 50 + 46 * bars.length,
    marginLeft: 130,
    marginRight: 76, // room for `100.0 %` beside a full bar
    marginBottom: 40,
    x: { domain: [0, 100], grid: true, ...axisLabel(label, "center") },
    y: { domain: colour.domain, label: null, tickSize: 0, padding: 0.5 },
    color: colour,
    marks: [
      Plot.barX(means, { y: "name", x: "mean", fill: "name", fillOpacity: 0.25 }),
      Plot.ruleY(means, { y: "name", x1: "low", x2: "high", stroke: "black", strokeWidth: 2 }),
      Plot.tickX(means, { y: "name", x: "mean", stroke: "black", strokeWidth: 2 }),
      Plot.dot(dots, {
        y: "name",
        x: "value",
        fill: "name",
        stroke: "white",
        r: 4,
        title: "title",
      }),
      Plot.text(means, { y: "name", x: "end", text, dx: 10, textAnchor: "start" }),
    ],
  });
}
