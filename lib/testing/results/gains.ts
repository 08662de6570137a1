/** Made-up results of comparisons in several settings. */
import { type Arm, armName, printedOfArm } from "lib/experiments/configs/arms.ts";
import type { ArmResult } from "lib/experiments/pretrain/ablate.ts";
import type { KernelGain } from "lib/experiments/pretrain/kernel_gains.ts";

/** A BC-SSL with these accuracies of seeds from 10 on; a linear probe has half of them. */
function armResult(kernelSize: number, knn: readonly number[], lr: number | undefined): ArmResult {
  const arm: Arm = { arch: "convnext", kernelSize, batchNorm: true };
  return {
    ...{ ...arm, name: armName(arm), family: "BC-SSL", knn, bestKnn: knn, data: "emoji" },
    ...{ linear: knn.map((value) => value / 2), bestEpoch: knn.map(() => 3) },
    monitor: [1, 2, 3].map((epoch) => ({ epoch, values: knn.map((x) => x * (1 - 0.1 / epoch)) })),
    paper: { knn: printedOfArm(arm, "knn"), linear: printedOfArm(arm, "linear") },
    ...(lr !== undefined && { change: { recipe: { lr } } }),
    ...{ scale: "laptop", seeds: knn.map((_, i) => 10 + i) },
    runs: knn.map((_, i) => `${kernelSize}-${i}`),
  };
}

/**
 * A setting in which kernels of 9 gain this much over those of 3, by k-NN, seed by seed from seed
 * 10 on, and half as much by a linear probe.
 *
 * @param options.lr Its learning rate: settings of one rate are the same. By default that of the
 *   base.
 */
export function madeUpGain(
  axis: string,
  name: string,
  knn: readonly number[],
  { lr, mapSide = 10, steps = 2080 }: {
    readonly lr?: number;
    readonly mapSide?: number;
    readonly steps?: number;
  } = {},
): KernelGain {
  const small = armResult(3, knn.map((_, i) => 0.2 + i / 100), lr);
  const large = armResult(9, knn.map((value, i) => 0.2 + i / 100 + value), lr);
  const linear = knn.map((value) => value / 2);
  return { axis, name, seeds: small.seeds, small, large, knn, linear, mapSide, steps };
}
