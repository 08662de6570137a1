/** Holm's method, for claims that are tested together. */
import type { TestResult, Verdict } from "lib/stats/verdicts.ts";

/** What is left of a test's result when the tests beside it are counted. */
export interface HolmResult {
  /** Holm's p value; NaN where the test has none. */
  readonly pValue: number;
  /** The test's verdict where it stands, otherwise cannot tell. */
  readonly verdict: Verdict;
}

/**
 * Adjusts p values of tests that belong together, by Holm's step-down method (Holm 1979): the
 * smallest of m is multiplied by m, the next by m − 1, and so on; none gets below the one before
 * it, and none above 1. Rejecting where the adjusted value is at most 0.05 keeps the chance of even
 * one wrong rejection among the m at 0.05, however the tests depend on each other.
 *
 * @param pValues In any order. NaN stands for a test that has no p value: it is not counted, and
 *   stays NaN, as in R's `p.adjust`.
 * @returns Adjusted p values in the same order.
 * @throws {RangeError} If a value is neither NaN nor between 0 and 1.
 *
 * @example
 * ```ts
 * import { holm } from "lib/report/mod.ts";
 * import { assertClose } from "lib/testing/assert.ts";
 *
 * assertClose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
 * ```
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => p < 0 || p > 1);
  if (wrong !== undefined) {
    throw new RangeError(`Cannot adjust p values: need 0 ≤ p ≤ 1 or NaN, one is ${wrong}`);
  }
  const order = [...pValues.keys()].filter((i) => !Number.isNaN(pValues[i]))
    .sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = pValues.map(() => NaN);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (order.length - rank) * pValues[i]!));
    adjusted[i] = largest;
  }
  return adjusted;
}

/**
 * Judges tests that belong together by Holm's method. A verdict, agrees or disagrees, stands where
 * Holm's p value is below the level of its test.
 *
 * @param results Results of `exceeds`, `rises` or `equals`.
 */
export function holmVerdicts(results: readonly TestResult[]): HolmResult[] {
  const adjusted = holm(results.map(decidingP));
  return results.map(({ verdict, level }, i) => {
    const pValue = adjusted[i]!;
    return { pValue, verdict: pValue < level ? verdict : "cannot tell" };
  });
}

/**
 * The p value that goes with a test's verdict. It is the test's own; a test of equality has a
 * second one, for the verdict disagrees, and the smaller of the two decides.
 */
export function decidingP({ pValue, pUnequal = pValue }: TestResult): number {
  return Math.min(pValue, pUnequal);
}
