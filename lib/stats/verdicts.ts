/** Tests of claims over seeds. A verdict is agrees, disagrees, or cannot tell. */
import {
  confidenceInterval,
  type MeanAndError,
  meanAndError,
  pairedDifference,
  upperTail,
} from "lib/stats/statistics.ts";

/** What a test says of a claim. */
export type Verdict = "agrees" | "disagrees" | "cannot tell";

/** Result of a test: the effect and its uncertainty, in the unit of the values. */
export interface TestResult {
  /** What the test says of the claim. */
  readonly verdict: Verdict;
  /** The effect over seeds: a mean difference, or a mean rise. */
  readonly effect: MeanAndError;
  /** Confidence interval of the effect, which decides the verdict; infinite for one seed. */
  readonly interval: readonly [number, number];
  /**
   * How often chance alone would show at least this much if the opposite of the claim held; NaN for
   * one seed.
   */
  readonly pValue: number;
  /**
   * For a test of equality: how often chance alone would show a difference at least this far beyond
   * the margin if there were none beyond it. The verdict disagrees rests on it. Other tests are
   * two-sided and have one p value for both verdicts.
   */
  readonly pUnequal?: number;
  /** Error rate at which the verdict was reached, a fraction. */
  readonly level: number;
  /** Name of the test. */
  readonly test: string;
}

/** How strict a test is. */
export interface SignificanceOptions {
  /**
   * Error rate of the test, a fraction; 0.05 by default. It holds for each claim by itself: among
   * many claims, some will err. For claims that are tested together, see `holm`.
   */
  readonly level?: number;
}

const fewestSeeds = 3; // two differences of one sign occur by chance every second time

/**
 * Tests the claim "a is above b" by Student's two-sided t-test of the differences, paired by seed.
 *
 * The verdict is agrees where `a − b` is above 0 at this level, disagrees where it is below, and
 * cannot tell otherwise, and with fewer than three seeds.
 *
 * @param b Values of the same seeds in the same order, or one number that no seed changes.
 * @throws {RangeError} If the numbers of seeds differ, there is none, a value is not finite, or the
 *   level is not between 0 and 1.
 *
 * @example
 * ```ts
 * import { exceeds } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * assertEquals(exceeds([0.73, 0.74, 0.735], [0.70, 0.71, 0.7]).verdict, "agrees");
 * assertEquals(exceeds([0.73, 0.74], [0.70, 0.71]).verdict, "cannot tell"); // two seeds
 * ```
 */
export function exceeds(
  a: readonly number[],
  b: readonly number[] | number,
  { level = 0.05 }: SignificanceOptions = {},
): TestResult {
  return direction(pairedDifference(a, b), level, "paired t-test");
}

/**
 * Tests the claim "the metric rises with the size": a straight line is fitted to each seed's values
 * by least squares, and the rises are tested by Student's two-sided t-test. The effect is the rise
 * along that line from the smallest size to the largest.
 *
 * The verdict is agrees where the rise is above 0 at this level, disagrees where it is below, and
 * cannot tell otherwise, and with fewer than three seeds. A curve that rises and then falls has
 * such a line too, so look at the figure. To test "falls", negate the values.
 *
 * @param sizes For example kernel sizes in pixels; at least two different ones.
 * @param values `values[i][s]`: of size i and seed s, the seeds in one order for all sizes.
 * @throws {RangeError} If sizes and values differ in number, seeds are missing, or as
 *   {@linkcode exceeds}.
 *
 * @example
 * ```ts
 * import { rises } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const accuracies = [[0.70, 0.69, 0.70], [0.72, 0.71, 0.73], [0.74, 0.74, 0.75]]; // sizes × seeds
 * assertEquals(rises([3, 5, 7], accuracies).verdict, "agrees");
 * ```
 */
export function rises(
  sizes: readonly number[],
  values: readonly (readonly number[])[],
  { level = 0.05 }: SignificanceOptions = {},
): TestResult {
  const seeds = values[0]?.length ?? 0;
  if (values.length !== sizes.length || values.some(({ length }) => length !== seeds)) {
    throw new RangeError(
      `Cannot take a trend: need as many seeds for each of ${sizes.length} sizes, got ` +
        `[${values.map(({ length }) => length)}]`,
    );
  }
  const reach = Math.max(...sizes) - Math.min(...sizes);
  if (!(reach > 0)) {
    throw new RangeError(`Cannot take a trend: need two different sizes, got [${sizes}]`);
  }
  const perSeed = Array.from({ length: seeds }, (_, s) => slope(sizes, values.map((of) => of[s]!)));
  const effect = pairedDifference(perSeed.map((value) => value * reach), 0);
  return direction(effect, level, "t-test of slopes");
}

/**
 * Tests the claim "a equals b within a margin" by two one-sided t-tests (TOST) of the differences,
 * paired by seed.
 *
 * The verdict is agrees where `a − b` is above −margin and below margin, each at this level: its
 * interval, at twice the level, lies within ± margin. It is disagrees where the interval lies
 * outside, and cannot tell where it crosses a margin, and with fewer than three seeds.
 *
 * @param margin Largest difference that counts as none, in the unit of the values, above 0; to be
 *   chosen before looking.
 * @throws {RangeError} If the margin is not above 0, or as {@linkcode exceeds}.
 *
 * @example
 * ```ts
 * import { equals } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const [a, b] = [[0.730, 0.731, 0.729], [0.731, 0.730, 0.730]];
 * assertEquals(equals(a, b, 0.01).verdict, "agrees"); // within one percentage point
 * ```
 */
export function equals(
  a: readonly number[],
  b: readonly number[] | number,
  margin: number,
  { level = 0.05 }: SignificanceOptions = {},
): TestResult {
  if (!(margin > 0)) {
    throw new RangeError(`Cannot test for equality: need a margin above 0, current is ${margin}`);
  }
  const effect = meanOf(pairedDifference(a, b));
  const interval = confidenceInterval(effect, 1 - 2 * level);
  const [low, high] = interval;
  const within = low > -margin && high < margin;
  const outside = low > margin || high < -margin;
  const pValue = Math.max(tail(effect, -margin), tail(negated(effect), -margin));
  const pUnequal = Math.min(tail(effect, margin), tail(negated(effect), margin));
  return {
    verdict: decide(effect.n, within, outside),
    effect,
    interval,
    pValue,
    pUnequal,
    level,
    test: "two one-sided t-tests",
  };
}

function direction(difference: MeanAndError, level: number, test: string): TestResult {
  const effect = meanOf(difference);
  const interval = confidenceInterval(effect, 1 - level);
  const [low, high] = interval;
  const pValue = Math.min(1, 2 * Math.min(tail(effect, 0), tail(negated(effect), 0)));
  return { verdict: decide(effect.n, low > 0, high < 0), effect, interval, pValue, level, test };
}

function decide(seeds: number, agrees: boolean, disagrees: boolean): Verdict {
  if (seeds < fewestSeeds) return "cannot tell";
  return agrees ? "agrees" : disagrees ? "disagrees" : "cannot tell";
}

/** Probability of a mean at least this large if the true one were `bound`; NaN for one seed. */
function tail({ n, mean, standardError }: MeanAndError, bound: number): number {
  if (n < 2) return NaN;
  return mean === bound ? 0.5 : upperTail((mean - bound) / standardError, n - 1);
}

function negated({ mean, ...rest }: MeanAndError): MeanAndError {
  return { mean: -mean, ...rest };
}

function meanOf({ n, mean, standardError }: MeanAndError): MeanAndError {
  return { n, mean, standardError };
}

/** Slope of the straight line of least squares. */
function slope(x: readonly number[], y: readonly number[]): number {
  const [ofX, ofY] = [meanAndError(x).mean, meanAndError(y).mean];
  const products = x.reduce((sum, value, i) => sum + (value - ofX) * (y[i]! - ofY), 0);
  return products / x.reduce((sum, value) => sum + (value - ofX) ** 2, 0);
}
