/** Raw pixels, random weights, DINO and a supervised twin, by k-NN and by a linear probe: a table, and a figure of two panels. */
import type { BaselineScores, FeatureScores } from "lib/experiments/mod.ts";
import { meanAndError, pairedDifference } from "lib/stats/statistics.ts";
import { scoreBars } from "lib/report/results/baselines.ts";
import { type Figure, gridOf } from "lib/report/draw/plot.ts";

/** One kind of features. Percent; `NaN` where there is one value only. */
export interface ScoreRow {
  readonly features: string;
  readonly "k-NN top-1 (%)": number;
  readonly "k-NN ± s.e.": number;
  /** How far DINO is above this, seed by seed, in standard errors of that difference. */
  readonly "DINO above it by (s.e.)"?: number;
  readonly "linear top-1 (%)": number;
  readonly "linear ± s.e.": number;
  readonly "DINO above it by (s.e.), linear"?: number;
  /** Of seeds. */
  readonly n: number;
  readonly scale: string;
  readonly seeds: string;
  /** Rates of the linear probes, chosen on training images held out. */
  readonly rates: readonly number[];
  readonly runs: string;
}

/** Rows for `saveTable`. The columns after DINO's name are Student's t of the differences, paired by seed. */
export function scoreTable({ scores, scale, seeds }: BaselineScores): ScoreRow[] {
  const dino = scores.find(({ features }) => features === "DINO");
  const above = (values: readonly number[], ofDino: readonly number[]) =>
    pairedDifference(ofDino, values.length === 1 ? values[0]! : values).inErrors;
  return scores.map((score) => {
    const { features, knn, linear, rates, runs } = score;
    const [byKnn, byLinear] = [knn, linear].map((values) => meanAndError(values.map(percent)));
    const against = dino && score !== dino
      ? [above(knn, dino.knn), above(linear, dino.linear)]
      : [undefined, undefined];
    return {
      features,
      "k-NN top-1 (%)": byKnn!.mean,
      "k-NN ± s.e.": byKnn!.standardError,
      "DINO above it by (s.e.)": against[0],
      "linear top-1 (%)": byLinear!.mean,
      "linear ± s.e.": byLinear!.standardError,
      "DINO above it by (s.e.), linear": against[1],
      n: linear.length,
      scale,
      seeds: seeds.join(", "),
      rates,
      runs: runs.join(", "),
    };
  });
}

/** Two panels: a dot for each seed, a line for the mean, a bar of ± 1 standard error. */
export function scoreFigure({ scores, k }: BaselineScores): Figure {
  const panel = (label: string, values: (score: FeatureScores) => readonly number[]) =>
    scoreBars(
      scores.map((score) => ({ name: score.features, values: values(score).map(percent) })),
      label,
    );
  const panels = [
    panel(`k-NN top-1 (%), k = ${k}`, ({ knn }) => knn),
    panel("linear probe top-1 (%)", ({ linear }) => linear),
  ];
  return gridOf(panels, { columns: 1, width: 640, height: 50 + 46 * scores.length });
}

function percent(share: number): number {
  return 100 * share;
}
