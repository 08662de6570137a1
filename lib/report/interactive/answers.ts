/** What results say, in the form in which questions are answered: names, percent, and curves. */
import { type ArmResult, fieldShares, type TrainedField } from "lib/experiments/mod.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import type { DrawnPoint } from "./question.ts";

/** Networks with a score: one fraction for each seed. */
export type Scored<Score extends string> = Readonly<Record<Score, readonly number[]>>;

/** The networks from the highest mean of a score to the lowest. */
export function ranked<Score extends string, R extends Scored<Score>>(
  results: readonly R[],
  score: Score,
): R[] {
  return results.toSorted((a, b) => percentMean(b[score]) - percentMean(a[score]));
}

/** The mean of a score of each network, by the network's name, in percent. */
export function meansOf<Score extends string>(
  results: readonly (Scored<Score> & { readonly name: string })[],
  score: Score,
): Readonly<Record<string, number>> {
  return Object.fromEntries(results.map((result) => [result.name, percentMean(result[score])]));
}

/**
 * The mean of a score at each kernel size, in percent, from the smallest kernel to the largest;
 * networks without a kernel size are left out.
 */
export function kernelMeans<Score extends string>(
  results: readonly (Scored<Score> & { readonly kernelSize?: number })[],
  score: Score,
): DrawnPoint[] {
  return results.flatMap((result): DrawnPoint[] =>
    result.kernelSize === undefined ? [] : [[result.kernelSize, percentMean(result[score])]]
  ).sort(([a], [b]) => a - b);
}

/** The k-NN through training: the share of the epochs, and the mean over seeds, in percent. */
export function monitorMeans({ monitor }: Pick<ArmResult, "monitor">): DrawnPoint[] {
  const epochs = monitor.at(-1)?.epoch ?? NaN;
  return monitor.map(({ epoch, values }) => [100 * epoch / epochs, percentMean(values)]);
}

/** When the k-NN was best: the share of the epochs, mean over seeds, in percent. */
export function bestMoment(
  { bestEpoch, monitor }: Pick<ArmResult, "bestEpoch" | "monitor">,
): number {
  return percentMean(bestEpoch) / (monitor.at(-1)?.epoch ?? NaN);
}

/**
 * How much larger receptive fields are after training than before it: the side of the square that
 * holds half of all contributions, mean over seeds and then over networks, in percent.
 */
export function fieldGrowth(fields: readonly TrainedField[]): number {
  const half = fieldShares.indexOf(0.5);
  const growth = fields.map(({ before, after }) =>
    meanAndError(after.sides[half]!).mean / meanAndError(before.sides[half]!).mean - 1
  );
  return percentMean(growth);
}

function percentMean(values: readonly number[]): number {
  return 100 * meanAndError(values).mean;
}
