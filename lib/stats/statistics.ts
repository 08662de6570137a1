/** Statistics over a few seeds: means, their errors, and differences. */
import jstat from "jstat";

/** The package creates its distributions at load time, where its inferred types do not see them. */
const { studentt } = jstat as unknown as {
  readonly studentt: Record<"inv" | "cdf", (x: number, degrees: number) => number>;
};

/** A mean over n values and its standard error, in the unit of the values. */
export interface MeanAndError {
  /** Number of values. */
  readonly n: number;
  /** Their mean. */
  readonly mean: number;
  /**
   * Standard error of the mean, s/√n with s over n − 1. NaN for one value, since a single seed says
   * nothing about the spread.
   */
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

/** A difference of two things. */
export interface Difference extends MeanAndError {
  /**
   * The mean difference in standard errors: Student's t with n − 1 degrees of freedom. NaN where n
   * is 1.
   */
  readonly inErrors: number;
  /**
   * One-sided: how often so large a difference would appear if there were none. NaN where n is 1.
   */
  readonly pValue: number;
}

/**
 * The difference `a − b`, seed by seed: effects that the seeds share (data, order, first weights)
 * cancel.
 *
 * @param b Values of the same seeds, or one number that no seed changes, such as chance or raw
 *   pixels.
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
  // equal values are 0 apart, not 0/0
  const inErrors = mean === 0 ? 0 * standardError : mean / standardError;
  const pValue = Number.isNaN(inErrors) ? NaN : upperTail(inErrors, n - 1);
  return { ...difference, inErrors, pValue };
}

/**
 * Two-sided confidence interval of a mean, `[low, high]`, by Student's t. Infinite on both sides
 * for one value.
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
 * Quantile of Student's t: the value below which it lies with probability `p`; within 1e-7 of
 * tables.
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

/**
 * Probability that Student's t lies above `t`; accurate far out too, where 1 minus the rest would
 * be 0.
 */
export function upperTail(t: number, degrees: number): number {
  if (!Number.isFinite(t)) return t > 0 ? 0 : 1;
  return studentt.cdf(-t, degrees);
}
