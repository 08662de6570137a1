/** The verb `snapshots`: moments of a training whose weights are there. */
import { listSnapshots } from "lib/runs/checkpoints.ts";
import { recipeAt, type RunKey } from "lib/experiments/configs/config.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { shippedRun, statusOf } from "lib/experiments/runs/shipped.ts";
import { findSubject, type Subject } from "./subject.ts";

/** A moment of a training; a network for every verb that takes some: `patchMaps`, `cams`. */
export interface TrainingMoment extends RunKey {
  /** The moment in words: `epoch 4`. */
  readonly name: string;
  /** Steps trained by then. */
  readonly step: number;
  /** Epochs trained by then, possibly with a fraction. */
  readonly epoch: number;
  /** The network at that moment, for verbs that take the options of a run: `knn`. */
  readonly of: Subject;
}

/**
 * Lists the moments of a pre-training whose weights are there, in their order: its first weights, the
 * snapshots, and the last checkpoint.
 *
 * `pretrain` keeps snapshots of the network that is evaluated after 5, 10, 20 and 40 % of the steps,
 * in half precision (the first and the last are in full). A run that was trained before it did has
 * none; `{ fresh: true }` trains it again. Runs that come with the project have them where the notebooks
 * show them.
 *
 * @throws {Error} If the run is not there; the message says which verb makes it.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain, snapshots } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const run = { scale: "smoke", seed: 0 } as const; // 16 steps
 * await pretrain(bcSslStart, run);
 * const moments = snapshots(bcSslStart, run);
 * assertEquals(moments.map(({ step }) => step), [0, 1, 2, 3, 6, 16]);
 * ```
 */
export function snapshots(
  config: RunKey["config"],
  { scale, seed }: Omit<RunKey, "config">,
): TrainingMoment[] {
  const key = { config, scale, seed };
  const folder = runFolder(key);
  findSubject(key, "teacher"); // throws if the run is not there
  const { step: last, totalSteps } = statusOf(folder)!;
  const { epochs } = recipeAt(config, scale);
  const kept = shippedRun(folder)?.snapshots ?? listSnapshots(folder.path);
  const moments = [
    { step: 0, of: "init" as const },
    ...kept.filter(({ step }) => step < last).map(({ step }) => ({ step, of: { step } })),
    { step: last, of: "teacher" as const },
  ];
  return moments.map(({ step, of }) => {
    const epoch = step * epochs / totalSteps;
    return { name: `epoch ${Math.round(10 * epoch) / 10}`, ...key, step, epoch, of };
  });
}
