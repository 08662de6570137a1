/** Tests of claims about networks, the paper's and our own, on the arms of a comparison. */
import { type Arm, armName, type ArmResult } from "lib/experiments/mod.ts";
import { paperKernelSizes } from "lib/paper/mod.ts";
import type { ClaimName } from "./claim_registry.ts";
import { aboveClaim, bcSslArm, resultOf, risingClaim, type TestedClaim } from "./tested_claim.ts";

/**
 * What is compared: the mean of the arms `above` with the mean of those `below`, or a metric over
 * the kernel sizes of the arms `rising`.
 */
type Test =
  & { readonly metric: "knn" | "linear" }
  & ({ readonly above: readonly Arm[]; readonly below: readonly Arm[] } | {
    readonly rising: readonly Arm[];
  });

const resnet: Arm = { arch: "resnet" };
const swin: Arm = { arch: "swin" };
const repLKNet: Arm = { arch: "replknet" };
const sLaK: Arm = { arch: "slak" };
const convnext = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });

/** Claims that can be tested on arms, by their names. */
export const armClaimTests = {
  convNeXtAboveResNet: { metric: "linear", above: [convnext(3)], below: [resnet] },
  vanillaRises: { metric: "linear", rising: [3, 5, 7].map(convnext) },
  swinAboveVanilla: { metric: "linear", above: [swin], below: [convnext(7)] },
  batchNormHelps: {
    metric: "linear",
    above: paperKernelSizes.map(bcSslArm),
    below: paperKernelSizes.map(convnext),
  },
  batchNormHelpsKnn: {
    metric: "knn",
    above: paperKernelSizes.map(bcSslArm),
    below: paperKernelSizes.map(convnext),
  },
  rises3To9: { metric: "linear", rising: [3, 5, 7, 9].map(bcSslArm) },
  rises3To9Knn: { metric: "knn", rising: [3, 5, 7, 9].map(bcSslArm) },
  falls9To15: { metric: "linear", above: [bcSslArm(9)], below: [bcSslArm(15)] },
  rises7To9Knn: { metric: "knn", above: [bcSslArm(9)], below: [bcSslArm(7)] },
  bcSslAboveVanillaKnn: { metric: "knn", above: [bcSslArm(9)], below: [convnext(7)] },
  bcSslAboveSwinEarlyKnn: { metric: "knn", above: [bcSslArm(9)], below: [swin] },
  repLKNetAboveBcSslKnn: { metric: "knn", above: [repLKNet], below: [bcSslArm(9)] },
  repLKNetAboveBcSsl: { metric: "linear", above: [repLKNet], below: [bcSslArm(9)] },
  sLaKAboveBcSslKnn: { metric: "knn", above: [sLaK], below: [bcSslArm(9)] },
  sLaKAboveBcSsl: { metric: "linear", above: [sLaK], below: [bcSslArm(9)] },
  bcSslAboveResNet: { metric: "linear", above: [bcSslArm(9)], below: [resnet] },
  bcSslAboveResNetKnn: { metric: "knn", above: [bcSslArm(9)], below: [resnet] },
  bcSslAboveSwin: { metric: "linear", above: [bcSslArm(9)], below: [swin] },
  bcSslAboveSwinKnn: { metric: "knn", above: [bcSslArm(9)], below: [swin] },
} as const satisfies Partial<Record<ClaimName, Test>>;

/** Name of a claim that arms can test. */
export type ArmClaim = keyof typeof armClaimTests;

/**
 * Tests claims on results of `ablate`, for `verdicts`: differences by a paired t-test,
 * trends by a t-test of slopes, over seeds. A claim over kernel sizes is tested on those sizes that
 * were run both ways. Each test takes the seeds that all of its arms were run with; where an arm was
 * run twice, it takes the result with more seeds.
 *
 * @throws {RangeError} If a claim is not about arms, or its arms were not run; the message names
 *   them.
 */
export function testClaims(
  names: readonly ArmClaim[],
  results: readonly ArmResult[],
): TestedClaim[] {
  return names.map((name) => {
    const test: Test | undefined = armClaimTests[name];
    if (test === undefined) {
      throw new RangeError(`Cannot test "${name}": use ${Object.keys(armClaimTests).join(", ")}`);
    }
    return testOf(name, test, results);
  });
}

function testOf(name: ArmClaim, test: Test, results: readonly ArmResult[]): TestedClaim {
  const values = (result: ArmResult) => result[test.metric];
  if ("rising" in test) {
    const arms = test.rising.flatMap((arm) => resultOf(arm, results) ?? []);
    if (arms.length < 2) throw missing(test.rising);
    return risingClaim(name, arms, values);
  }
  const pairs = test.above.flatMap((arm, i) => {
    const [above, below] = [resultOf(arm, results), resultOf(test.below[i]!, results)];
    return above && below ? [{ above, below }] : [];
  });
  if (pairs.length === 0) throw missing([...test.above, ...test.below]);
  const [above, below] = [pairs.map((pair) => pair.above), pairs.map((pair) => pair.below)];
  return aboveClaim(name, { above, below }, values);
}

function missing(arms: readonly Arm[]): RangeError {
  return new RangeError(`Cannot test the claim: need results of ${arms.map(armName).join("; ")}`);
}
