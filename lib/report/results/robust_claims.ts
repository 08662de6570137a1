/** Tests of what the paper says about robustness (§4.3), on results of `robustness`. */
import type { RobustResult } from "lib/experiments/mod.ts";
import { exceeds, rises } from "lib/stats/verdicts.ts";
import { type Claim, claims, table5 } from "lib/paper/mod.ts";
import { bcSslArm, bcSslResults, resultOf, type TestedClaim, testedClaim } from "./tested_claim.ts";
import {
  nearChance,
  type RobustMetric,
  robustMetrics,
} from "lib/report/results/robustness_results.ts";

const trendClaims = {
  corruption: claims.corruptionFalls,
  sketch: claims.sketchRises,
  rendition: claims.renditionRises,
  adversarial: claims.adversarialRises,
} as const;

/**
 * Tests each column of Table 5 over BC-SSL's kernel sizes by a t-test of slopes, and, where both
 * were run, BC-SSL with 9×9 kernels against Swin by a paired t-test; for `verdicts`. An effect
 * above 0 is what the paper claims: for C, how far the error falls. A claim says so where one of
 * the networks is too near chance for the test to mean anything.
 *
 * @throws {RangeError} If fewer than two kernel sizes of BC-SSL were run.
 */
export function robustClaims(results: readonly RobustResult[]): TestedClaim[] {
  const { arms, kernelSizes } = bcSslResults(results, "robustness");
  const trends = robustMetrics.map((metric) => {
    const values = arms.map((arm) => gains(arm, metric));
    return marked(testedClaim(trendClaims[metric], rises(kernelSizes, values), arms), metric, arms);
  });
  const [bcSsl, swin] = [resultOf(bcSslArm(9), results), resultOf({ arch: "swin" }, results)];
  if (!bcSsl || !swin) return trends;
  const differences = robustMetrics.map((metric) => {
    const finding = exceeds(gains(bcSsl, metric), gains(swin, metric));
    const pair = [bcSsl, swin];
    return marked(testedClaim(aboveSwin(metric), finding, pair), metric, pair);
  });
  return [...trends, ...differences];
}

/** A tested claim with the names of those networks that are too near chance to test it. */
function marked(
  tested: TestedClaim,
  metric: RobustMetric,
  arms: readonly RobustResult[],
): TestedClaim {
  const { claim } = tested;
  const near = arms.filter((arm) => nearChance(arm).includes(metric)).map(({ name }) => name);
  if (near.length === 0) return tested;
  const note = `(means nothing: near chance are ${near.join("; ")})`;
  if (typeof claim === "string") return { ...tested, claim: `${claim} ${note}` };
  return { ...tested, claim: { ...claim, says: `${claim.says} ${note}` } };
}

/** A metric, negated where lower is better. */
function gains(result: RobustResult, metric: RobustMetric): readonly number[] {
  return metric === "corruption" ? result[metric].map((error) => -error) : result[metric];
}

const names = {
  corruption: ["has a lower corruption error than Swin-T", "C"],
  sketch: ["is above Swin-T on sketches", "SK"],
  rendition: ["is above Swin-T on renditions", "R"],
  adversarial: ["is above Swin-T on adversarial pictures", "A"],
} as const;

/**
 * The claim of §4.3 that BC-SSL wins over Swin in all columns; Table 5 prints it for 9×9 kernels.
 */
function aboveSwin(metric: RobustMetric): Claim {
  const of = (arch: string, kernelSize: number | null) =>
    table5.rows.find((row) =>
      row.epochs === 100 && row.arch === arch && row.kernelSize === kernelSize
    )!;
  const [what, column] = names[metric];
  const above = of("BC-SSL-T", 9)[metric] - of("Swin-T", null)[metric];
  return {
    says: `BC-SSL-T with 9×9 kernels ${what}`,
    source: `§4.3, Table 5, ${column}`,
    quoted: null,
    printed: metric === "corruption" ? -above : above,
  };
}
