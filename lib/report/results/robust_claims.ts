/** How what the paper says of robustness (§4.3) is tested on what `robustness` measured. */
import { type Arm, armName, type RobustResult } from "lib/experiments/mod.ts";
import { exceeds, type Finding, rises } from "lib/stats/verdicts.ts";
import { type Claim, claims, table5 } from "lib/paper/mod.ts";
import type { TestedClaim } from "lib/report/results/compare.ts";
import { type RobustMetric, robustMetrics } from "lib/report/results/robustness_results.ts";

const trends = {
  corruption: claims.corruptionFalls,
  sketch: claims.sketchRises,
  rendition: claims.renditionRises,
  adversarial: claims.adversarialRises,
} as const;

const sizes = [3, 5, 7, 9, 15];
const bcssl = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize, batchNorm: true });
const swin: Arm = { arch: "swin" };

/**
 * Each column of Table 5 over BC-SSL's kernel sizes, by a t-test of slopes, and where both were run BC-SSL with 9×9 kernels against
 * Swin, by a paired t-test; for `verdicts`. An effect above 0 is what the paper claims: of C, how far it falls.
 *
 * @throws {RangeError} If fewer than two kernel sizes of BC-SSL were run.
 */
export function robustClaims(results: readonly RobustResult[]): TestedClaim[] {
  const find = (wanted: Arm) => results.find((result) => armName(result) === armName(wanted));
  const arms = sizes.flatMap((kernelSize) => find(bcssl(kernelSize)) ?? []);
  if (arms.length < 2) {
    throw new RangeError(
      `Cannot test robustness over kernel sizes: need two of BC-SSL, got ${arms.length}`,
    );
  }
  const kernelSizes = arms.map(({ kernelSize }) => kernelSize!);
  const [nine, transformer] = [find(bcssl(9)), find(swin)];
  return [
    ...robustMetrics.map((metric) => {
      const values = arms.map((arm) => gains(arm, metric));
      return tested(trends[metric], rises(kernelSizes, values), arms);
    }),
    ...nine && transformer
      ? robustMetrics.map((metric) => {
        const finding = exceeds(gains(nine, metric), gains(transformer, metric));
        return tested(aboveSwin(metric), finding, [nine, transformer]);
      })
      : [],
  ];
}

/** The more, the better. */
function gains(result: RobustResult, metric: RobustMetric): readonly number[] {
  return metric === "corruption" ? result[metric].map((error) => -error) : result[metric];
}

function tested(claim: Claim, finding: Finding, arms: readonly RobustResult[]): TestedClaim {
  const { scale, seeds } = arms[0]!;
  return { claim, finding, scale, seeds, runs: arms.flatMap(({ runs }) => runs) };
}

const names = {
  corruption: ["has a lower corruption error than Swin-T", "C"],
  sketch: ["is above Swin-T on sketches", "SK"],
  rendition: ["is above Swin-T on renditions", "R"],
  adversarial: ["is above Swin-T on adversarial pictures", "A"],
} as const;

/** §4.3: BC-SSL wins over Swin in all columns, which Table 5 has of 9×9. */
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
