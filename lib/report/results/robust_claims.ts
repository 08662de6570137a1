/** Tests of what the paper says about robustness (§4.3), on results of `robustness`. */
import type { RobustResult } from "lib/experiments/mod.ts";
import {
  aboveClaim,
  bcSslArm,
  bcSslResults,
  resultOf,
  risingClaim,
  type TestedClaim,
} from "./tested_claim.ts";
import {
  nearChance,
  type RobustMetric,
  robustMetrics,
} from "lib/report/results/robustness_results.ts";

const trends = {
  corruption: "corruptionFalls",
  sketch: "sketchRises",
  rendition: "renditionRises",
  adversarial: "adversarialRises",
} as const;

/** The claim of §4.3 that BC-SSL wins over Swin in all columns. */
const againstSwin = {
  corruption: "corruptionBelowSwin",
  sketch: "sketchAboveSwin",
  rendition: "renditionAboveSwin",
  adversarial: "adversarialAboveSwin",
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
  const arms = bcSslResults(results, "robustness");
  const rising = robustMetrics.map((metric) =>
    marked(risingClaim(trends[metric], arms, (arm) => gains(arm, metric)), metric, arms)
  );
  const [bcSsl, swin] = [resultOf(bcSslArm(9), results), resultOf({ arch: "swin" }, results)];
  if (!bcSsl || !swin) return rising;
  const sides = { above: [bcSsl], below: [swin] };
  const differences = robustMetrics.map((metric) =>
    marked(aboveClaim(againstSwin[metric], sides, (arm) => gains(arm, metric)), metric, [
      bcSsl,
      swin,
    ])
  );
  return [...rising, ...differences];
}

/** A tested claim with the names of those networks that are too near chance to test it. */
function marked(
  tested: TestedClaim,
  metric: RobustMetric,
  arms: readonly RobustResult[],
): TestedClaim {
  const near = arms.filter((arm) => nearChance(arm).includes(metric)).map(({ name }) => name);
  return near.length === 0 ? tested : { ...tested, nearChance: near };
}

/** A metric, negated where lower is better. */
function gains(result: RobustResult, metric: RobustMetric): readonly number[] {
  return metric === "corruption" ? result[metric].map((error) => -error) : result[metric];
}
