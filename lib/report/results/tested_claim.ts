/** Claims tested on the arms of a comparison: what all of their tests share. */
import { type Arm, armName } from "lib/experiments/mod.ts";
import type { TestResult } from "lib/stats/verdicts.ts";
import { type Claim, paperKernelSizes } from "lib/paper/mod.ts";

/** A claim and what our seeds say of it. */
export interface TestedClaim {
  /** One of the paper's `claims`, or words of one's own. */
  readonly claim: Claim | string;
  /** What `exceeds`, `rises` or `equals` returned, on fractions. */
  readonly finding: TestResult;
  /** Name of the scale of the runs. */
  readonly scale: string;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the runs, folders in `outputs/`. */
  readonly runs: readonly string[];
}

/** What a test needs to know of an arm that was run. */
interface RunArm {
  readonly scale: string;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
}

/** A finding about some arms, all with the same scale and seeds. */
export function testedClaim(
  claim: TestedClaim["claim"],
  finding: TestResult,
  arms: readonly RunArm[],
): TestedClaim {
  const { scale, seeds } = arms[0]!;
  return { claim, finding, scale, seeds, runs: arms.flatMap(({ runs }) => runs) };
}

/** The mean over arms, one value for each seed. @param rows `rows[i][s]`: of arm i and seed s. */
export function meansBySeed(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, s) => rows.reduce((sum, row) => sum + row[s]!, 0) / rows.length);
}

/** BC-SSL with one kernel size. */
export function bcSslArm(kernelSize: number): Arm {
  return { arch: "convnext", kernelSize, batchNorm: true };
}

/** The result of an arm; `undefined` if it was not run. */
export function resultOf<R extends { readonly name: string }>(
  arm: Arm,
  results: readonly R[],
): R | undefined {
  return results.find(({ name }) => name === armName(arm));
}

/**
 * Results of BC-SSL over the paper's kernel sizes, those that were run.
 *
 * @param what What is tested, for the message: `robustness`.
 * @throws {RangeError} If fewer than two were run.
 */
export function bcSslResults<R extends { readonly name: string; readonly kernelSize?: number }>(
  results: readonly R[],
  what: string,
): { readonly arms: readonly R[]; readonly kernelSizes: readonly number[] } {
  const arms = paperKernelSizes.flatMap((size) => resultOf(bcSslArm(size), results) ?? []);
  if (arms.length < 2) {
    throw new RangeError(
      `Cannot test ${what} over kernel sizes: need two of BC-SSL, got ${arms.length}`,
    );
  }
  return { arms, kernelSizes: arms.map(({ kernelSize }) => kernelSize!) };
}
