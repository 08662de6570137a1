/**
 * Raw pixels, random weights, the trained teacher and a supervised twin, by k-NN and by a linear
 * probe: a table, and a figure of two panels.
 */
import type { BaselineScores, FeatureScores } from "lib/experiments/mod.ts";
import { meanAndError, pairedDifference } from "lib/stats/statistics.ts";
import { scoreBars } from "lib/report/results/baselines.ts";
import { percent } from "lib/report/tables/percent.ts";
import { type Figure, gridOf } from "lib/report/draw/plot.ts";

/**
 * One kind of features; accuracies in percent, `NaN` where there is one value only.
 *
 * Two more columns are named after the method of the runs: `DINO above it by (s.e.)`, for the k-NN,
 * and `DINO above it by (s.e.), linear`. They say how far the trained teacher is above this kind,
 * seed by seed, in standard errors of that difference; the teacher's own row has none.
 */
export interface ScoreRow {
  /** Name of the kind of features. */
  readonly features: string;
  /** Mean accuracy of the k-NN over the seeds. */
  readonly "k-NN top-1 (%)": number;
  /** Standard error of that mean. */
  readonly "k-NN ± s.e.": number;
  /** Mean accuracy of the linear probe over the seeds. */
  readonly "linear top-1 (%)": number;
  /** Standard error of that mean. */
  readonly "linear ± s.e.": number;
  /** Number of seeds. */
  readonly n: number;
  /** Name of the scale of the runs. */
  readonly scale: string;
  /** Seeds, with commas between them. */
  readonly seeds: string;
  /** Rates of the linear probes, chosen on training images held out. */
  readonly rates: readonly number[];
  /** Ids of the runs, with commas between them. */
  readonly runs: string;
  /** Standard errors by which the teacher of the named method is above this kind of features. */
  readonly [above: `${string} above it by (s.e.)${"" | ", linear"}`]: number | undefined;
}

/**
 * Rows for `saveTable`. The columns with the method's name are Student's t of the differences,
 * paired by seed.
 */
export function scoreTable({ scores, method, scale, seeds }: BaselineScores): ScoreRow[] {
  const teacher = scores.find(({ of }) => of === "teacher");
  const above = (metric: "knn" | "linear", score: FeatureScores) => {
    if (teacher === undefined || score === teacher) return undefined;
    const values = score[metric];
    return pairedDifference(teacher[metric], values.length === 1 ? values[0]! : values).inErrors;
  };
  return scores.map((score) => {
    const { features, knn, linear, rates, runs } = score;
    const [byKnn, byLinear] = [knn, linear].map((values) => meanAndError(percents(values)));
    return {
      features,
      "k-NN top-1 (%)": byKnn!.mean,
      "k-NN ± s.e.": byKnn!.standardError,
      [`${method} above it by (s.e.)`]: above("knn", score),
      "linear top-1 (%)": byLinear!.mean,
      "linear ± s.e.": byLinear!.standardError,
      [`${method} above it by (s.e.), linear`]: above("linear", score),
      n: linear.length,
      scale,
      seeds: seeds.join(", "),
      rates,
      runs: runs.join(", "),
    } as ScoreRow;
  });
}

/** Draws two panels: a dot for each seed, a line for the mean, a bar of ± 1 standard error. */
export function scoreFigure({ scores, k }: BaselineScores): Figure {
  const panel = (label: string, values: (score: FeatureScores) => readonly number[]) =>
    scoreBars(
      scores.map((score) => ({
        ...{ name: score.features, values: percents(values(score)), runs: score.runs },
      })),
      label,
    );
  const panels = [
    panel(`k-NN top-1 (%), k = ${k}`, ({ knn }) => knn),
    panel("linear probe top-1 (%)", ({ linear }) => linear),
  ];
  return gridOf(panels, { columns: 1, width: 640, height: 50 + 46 * scores.length });
}

function percents(shares: readonly number[]): number[] {
  return shares.map((share) => percent(share));
}
