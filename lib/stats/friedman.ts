/**
 * Whether some things differ over many data sets, by their ranks: Friedman's test and Nemenyi's
 * critical difference (Demšar 2006).
 *
 * N sets, k things.
 */
import jstat from "jstat";
import { meanAndError } from "./statistics.ts";
import { ranks } from "./rank_correlation.ts";

/** The package creates its distributions at load time, where its inferred types do not see them. */
const { normal, chisquare } = jstat as unknown as {
  readonly normal: Record<"cdf" | "pdf", (x: number, mean: number, std: number) => number>;
  readonly chisquare: { readonly cdf: (x: number, degrees: number) => number };
};

/** What Friedman's test says. */
export interface FriedmanResult {
  /** χ² with k − 1 degrees of freedom, corrected for ties. NaN if all are equal in every set. */
  readonly statistic: number;
  /** How often so large a statistic would appear if all were equally good. */
  readonly pValue: number;
  /** Mean rank of each thing over the sets; 1 is the best. */
  readonly meanRanks: readonly number[];
  /** Standard error of each mean rank over the sets. */
  readonly standardErrors: readonly number[];
}

/**
 * Friedman's test.
 *
 * @param scores `scores[i][j]`: of set i and thing j; higher is better.
 * @throws {RangeError} If there are fewer than two sets or three things, or rows differ in length.
 */
export function friedman(scores: readonly (readonly number[])[]): FriedmanResult {
  const [n, k] = [scores.length, scores[0]?.length ?? 0];
  if (n < 2 || k < 3 || scores.some(({ length }) => length !== k)) {
    throw new RangeError(
      `Cannot compare ranks: need two sets or more with the same three things or more, got ${n} ` +
        `with [${scores.map(({ length }) => length)}]`,
    );
  }
  const rows = scores.map(ranksOf);
  const columns = Array.from({ length: k }, (_, j) => meanAndError(rows.map((row) => row[j]!)));
  const meanRanks = columns.map(({ mean }) => mean);
  const spread = meanRanks.reduce((sum, mean) => sum + (mean - (k + 1) / 2) ** 2, 0);
  const ties = rows.flatMap((row) =>
    [...Map.groupBy(row, (rank) => rank).values()].map(({ length: t }) => t ** 3 - t)
  ).reduce((sum, tied) => sum + tied, 0);
  const statistic = 12 * n * spread / (k * (k + 1)) / (1 - ties / (n * (k ** 3 - k)));
  return {
    statistic,
    pValue: 1 - chisquare.cdf(statistic, k - 1),
    meanRanks,
    standardErrors: columns.map(({ standardError }) => standardError),
  };
}

/** The rank of each score in a set: 1 is the highest; equal ones share the mean of their ranks. */
export function ranksOf(scores: readonly number[]): number[] {
  return ranks(scores.map((score) => -score));
}

/**
 * Nemenyi's critical difference: mean ranks of two of k things over N sets differ at a level of 5 %
 * if they are farther apart than this.
 */
export function criticalDifference(k: number, n: number): number {
  return studentizedRange(k, 0.05) / Math.SQRT2 * Math.sqrt(k * (k + 1) / (6 * n));
}

/**
 * The range of k standard normal numbers, with known variance, that is exceeded with a probability
 * of `level`: the studentised range for infinitely many degrees of freedom.
 */
export function studentizedRange(k: number, level: number): number {
  let [low, high] = [0, 20];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (rangeBelow(middle, k) < 1 - level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const intervals = 2000; // of Simpson's rule from −8 to 8 + q: error below 1e-10

/** P(range < q) = k ∫ φ(z) (Φ(z) − Φ(z − q))^(k − 1) dz, z being the largest. */
function rangeBelow(q: number, k: number): number {
  const [from, to] = [-8, 8 + q];
  const step = (to - from) / intervals;
  let sum = 0;
  for (let i = 0; i <= intervals; i++) {
    const z = from + i * step;
    const weight = i === 0 || i === intervals ? 1 : 2 + 2 * (i % 2);
    const between = normal.cdf(z, 0, 1) - normal.cdf(z - q, 0, 1);
    sum += weight * normal.pdf(z, 0, 1) * between ** (k - 1);
  }
  return k * sum * step / 3;
}
