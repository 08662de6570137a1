/** The verb `armKernels`: the depthwise kernels of networks, before and after their training. */
import { type DepthwiseKernels, depthwiseKernels } from "lib/explain/mod.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import type { RunKey, ScaleName } from "lib/experiments/configs/config.ts";
import { findSubject, loadSubject } from "lib/experiments/subjects/subject.ts";

/** The kernels of one arm. */
export interface ArmKernels {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly name: string;
  /** Pixels a side of the kernels. */
  readonly kernelSize: number;
  /** For each seed, the kernels of all layers with the weights that training started from. */
  readonly before: readonly (readonly DepthwiseKernels[])[];
  /** The same with the teacher's weights after training. */
  readonly after: readonly (readonly DepthwiseKernels[])[];
  /** Seeds in the order of the kernels. */
  readonly seeds: readonly number[];
}

/** Which runs of the arms. */
export interface ArmKernelsOptions {
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds of the runs. */
  readonly seeds: readonly number[];
}

/**
 * Reads the depthwise kernels of arms before and after training.
 *
 * @throws {RangeError} If an arm has no kernel size.
 * @throws {Error} If a run is not there.
 */
export async function armKernels(
  arms: readonly Arm[],
  { scale, seeds }: ArmKernelsOptions,
): Promise<ArmKernels[]> {
  const all: ArmKernels[] = [];
  for (const arm of arms) {
    const name = armName(arm);
    const { kernelSize } = arm;
    if (kernelSize === undefined) {
      throw new RangeError(`Cannot read depthwise kernels of ${name}: it has no kernel size`);
    }
    const before: DepthwiseKernels[][] = [];
    const after: DepthwiseKernels[][] = [];
    for (const seed of seeds) {
      const key = { config: armConfig(arm, { scale }), scale, seed };
      before.push(await kernelsOf(key, "init"));
      after.push(await kernelsOf(key, "teacher"));
    }
    all.push({ name, kernelSize, before, after, seeds });
  }
  return all;
}

async function kernelsOf(key: RunKey, of: "init" | "teacher"): Promise<DepthwiseKernels[]> {
  using model = await loadSubject(key, of, findSubject(key, of));
  return await depthwiseKernels(model.params);
}
