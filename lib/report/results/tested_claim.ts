/** Claims tested on the arms of a comparison: what all of their tests share. */
import { type Arm, armName } from "lib/experiments/mod.ts";
import { exceeds, rises, type TestResult } from "lib/stats/verdicts.ts";
import { type Claim, paperKernelSizes } from "lib/paper/mod.ts";
import { type ClaimName, statements } from "./claim_registry.ts";

/** A claim and what our seeds say of it. */
export interface TestedClaim {
  /** Name of the claim in the overview of all claims, if it is one of those. */
  readonly name?: ClaimName;
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
  /** Names of networks that are too near chance for the test to mean anything. */
  readonly nearChance?: readonly string[];
}

/** What a test needs to know of an arm that was run. */
interface RunArm {
  readonly scale: string;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
}

/** An arm's values of the metric that is tested, one for each of its seeds. */
type ValuesOf<R> = (arm: R) => readonly number[];

/**
 * A finding about some arms, on the seeds that they share.
 *
 * @param about Name of a claim of the overview, or a claim that is not there.
 */
export function testedClaim(
  about: ClaimName | Claim,
  finding: TestResult,
  arms: readonly RunArm[],
): TestedClaim {
  const seeds = sharedSeeds(arms);
  const runs = arms.flatMap((arm) => atSeeds(arm.runs, arm, seeds));
  const named = typeof about === "string" ? { name: about, claim: statements[about] } : {
    claim: about,
  };
  return { ...named, finding, scale: arms[0]!.scale, seeds, runs };
}

/** The arms on both sides of a comparison. */
export interface Sides<R> {
  /** Those that the claim says are better. */
  readonly above: readonly R[];
  readonly below: readonly R[];
}

/**
 * How far the arms `above` are above those `below`, each side averaged over its arms.
 *
 * @returns One difference for each of the seeds.
 */
export function differencesOf<R extends RunArm>(
  { above, below }: Sides<R>,
  values: ValuesOf<R>,
  seeds: readonly number[],
): number[] {
  const means = (side: readonly R[]) => meansBySeed(side.map((a) => atSeeds(values(a), a, seeds)));
  const low = means(below);
  return means(above).map((value, s) => value - low[s]!);
}

/**
 * Tests the claim that the arms `above` are above those `below`, each side averaged over its arms,
 * on the seeds that all of them were run with.
 */
export function aboveClaim<R extends RunArm>(
  about: ClaimName | Claim,
  sides: Sides<R>,
  values: ValuesOf<R>,
): TestedClaim {
  const arms = [...sides.above, ...sides.below];
  const gains = differencesOf(sides, values, sharedSeeds(arms));
  return testedClaim(about, exceeds(gains, 0), arms);
}

/**
 * Tests the claim that a metric rises over the kernel sizes of arms, on the seeds that all of them
 * were run with.
 */
export function risingClaim<R extends RunArm & { readonly kernelSize?: number }>(
  name: ClaimName,
  arms: readonly R[],
  values: ValuesOf<R>,
): TestedClaim {
  const seeds = sharedSeeds(arms);
  const kernelSizes = arms.map(({ kernelSize }) => kernelSize!);
  const finding = rises(kernelSizes, arms.map((arm) => atSeeds(values(arm), arm, seeds)));
  return testedClaim(name, finding, arms);
}

/** Seeds that all arms were run with, in ascending order. */
export function sharedSeeds(arms: readonly RunArm[]): number[] {
  const shared = arms[0]!.seeds.filter((seed) => arms.every(({ seeds }) => seeds.includes(seed)));
  if (shared.length > 0) return shared.sort((a, b) => a - b);
  throw new RangeError(
    `Cannot compare by seed: need a seed that all arms were run with, got ${
      arms.map(({ seeds }) => `[${seeds}]`).join(", ")
    }`,
  );
}

/** The part of an arm's values, one for each of its seeds, that belongs to some of them. */
function atSeeds<T>(values: readonly T[], arm: RunArm, seeds: readonly number[]): T[] {
  return seeds.map((seed) => values[arm.seeds.indexOf(seed)]!);
}

/** The mean over arms, one value for each seed. @param rows `rows[i][s]`: of arm i and seed s. */
function meansBySeed(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, s) => rows.reduce((sum, row) => sum + row[s]!, 0) / rows.length);
}

/** BC-SSL with one kernel size. */
export function bcSslArm(kernelSize: number): Arm {
  return { arch: "convnext", kernelSize, batchNorm: true };
}

/**
 * The result of an arm; `undefined` if it was not run. Where an arm was run twice, it is the result
 * with more seeds.
 */
export function resultOf<R extends { readonly name: string; readonly seeds: readonly number[] }>(
  arm: Arm,
  results: readonly R[],
): R | undefined {
  return results.filter(({ name }) => name === armName(arm))
    .toSorted((a, b) => b.seeds.length - a.seeds.length)[0];
}

/**
 * Results of BC-SSL over the paper's kernel sizes, those that were run.
 *
 * @param what What is tested, for the message: `robustness`.
 * @throws {RangeError} If fewer than two were run.
 */
export function bcSslResults<
  R extends { readonly name: string; readonly seeds: readonly number[] },
>(
  results: readonly R[],
  what: string,
): readonly R[] {
  const arms = paperKernelSizes.flatMap((size) => resultOf(bcSslArm(size), results) ?? []);
  if (arms.length < 2) {
    throw new RangeError(
      `Cannot test ${what} over kernel sizes: need two of BC-SSL, got ${arms.length}`,
    );
  }
  return arms;
}
