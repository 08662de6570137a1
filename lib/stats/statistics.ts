/** What a few seeds allow us to say: means, their errors, and how far apart two things are. */
import jstat from "jstat";

/** The package builds its distributions at load time, where its inferred types do not see them. */
const { studentt } = jstat as unknown as {
  readonly studentt: Record<"inv" | "cdf", (x: number, degrees: number) => number>;
};

/** A mean over n values, and how sure it is. In the unit of the values. */
export interface MeanAndError {
  readonly n: number;
  readonly mean: number;
  /** Standard error of the mean, s/√n with s over n − 1. NaN for one value: a single seed says nothing about spread. */
  readonly standardError: number;
}

/**
 * Mean and standard error.
 *
 * @throws {RangeError} If there is no value, or one is not finite.
 */
export function meanAndError(values: readonly number[]): MeanAndError {
  const n = values.length;
  if (n === 0) throw new RangeError("Cannot take a mean: need a value, current count is 0");
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new RangeError(`Cannot take a mean: one value is ${wrong}`);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : NaN };
}

/** How far apart two things are. */
export interface Difference extends MeanAndError {
  /** The mean difference in standard errors: Student's t with n − 1 degrees of freedom. NaN where n is 1. */
  readonly inErrors: number;
  /** One-sided: how often so large a difference would appear if there were none. NaN where n is 1. */
  readonly pValue: number;
}

/**
 * `a − b`, seed by seed: what the seeds share (data, order, first weights) cancels.
 *
 * @param b Values of the same seeds, or one number that no seed changes, as chance or raw pixels.
 * @throws {RangeError} If the numbers of seeds differ, or as {@linkcode meanAndError}.
 */
export function pairedDifference(a: readonly number[], b: readonly number[] | number): Difference {
  if (typeof b !== "number" && a.length !== b.length) {
    throw new RangeError(
      `Cannot pair seeds: need as many on both sides, got ${a.length} and ${b.length}`,
    );
  }
  const difference = meanAndError(a.map((value, i) => value - (typeof b === "number" ? b : b[i]!)));
  const { mean, standardError, n } = difference;
  const inErrors = mean === 0 ? 0 * standardError : mean / standardError; // equal values: 0 away, not 0/0
  const pValue = Number.isNaN(inErrors) ? NaN : upperTail(inErrors, n - 1);
  return { ...difference, inErrors, pValue };
}

/**
 * Two-sided confidence interval of a mean, `[low, high]`, by Student's t. Infinite on both sides for one value.
 *
 * @param level Fraction, 0.95 by default.
 */
export function confidenceInterval(
  { n, mean, standardError }: MeanAndError,
  level = 0.95,
): readonly [number, number] {
  if (n < 2) return [-Infinity, Infinity];
  const half = studentQuantile(0.5 + level / 2, n - 1) * standardError;
  return [mean - half, mean + half];
}

/**
 * The value below which Student's t lies with probability `p`; within 1e-7 of tables.
 *
 * @param p Between 0 and 1, both excluded.
 * @throws {RangeError} If `p` or the degrees of freedom are out of range.
 */
export function studentQuantile(p: number, degrees: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot take a quantile: need 0 < p < 1, current p is ${p}`);
  }
  if (!(degrees > 0)) {
    throw new RangeError(
      `Cannot take a quantile: need a positive number of degrees of freedom, current is ${degrees}`,
    );
  }
  return studentt.inv(p, degrees);
}

/** How often Student's t lies above `t`, also far out, where 1 minus what lies below would be 0. */
export function upperTail(t: number, degrees: number): number {
  if (!Number.isFinite(t)) return t > 0 ? 0 : 1;
  return studentt.cdf(-t, degrees);
}
