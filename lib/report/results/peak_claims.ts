/** Tests of when the k-NN during training peaks (§A.1, Figure 3), on results of `ablate`. */
import { type Arm, armName, type ArmResult } from "lib/experiments/mod.ts";
import { exceeds } from "lib/stats/verdicts.ts";
import { bcSslArm, resultOf, type TestedClaim, testedClaim } from "./tested_claim.ts";

const tested = [
  { name: "peakOfBcSsl", arm: bcSslArm(9) },
  { name: "peakOfSwin", arm: { arch: "swin" } },
  { name: "peakOfViT", arm: { arch: "vit" } },
] as const satisfies readonly { readonly name: string; readonly arm: Arm }[];

/**
 * Tests, for `verdicts`, whether the best k-NN during training comes before the end, network by
 * network, by a t-test over seeds. The effect is the share of the epochs that follow it. Networks
 * that were not run are left out.
 *
 * @throws {RangeError} If none of BC-SSL with 9×9 kernels, Swin and ViT was run.
 */
export function peakClaims(results: readonly ArmResult[]): TestedClaim[] {
  const found = tested.flatMap(({ name, arm }) => {
    const result = resultOf(arm, results);
    return result ? [testedClaim(name, exceeds(sharesAfterPeak(result), 0), [result])] : [];
  });
  if (found.length > 0) return found;
  throw new RangeError(
    `Cannot test when the k-NN peaks: need results of ${
      tested.map(({ arm }) => armName(arm)).join("; ")
    }`,
  );
}

function sharesAfterPeak({ bestEpoch, monitor }: ArmResult): number[] {
  const { epoch: last } = monitor.at(-1)!;
  return bestEpoch.map((epoch) => 1 - epoch / last);
}
