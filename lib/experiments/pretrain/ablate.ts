/**
 * The verb `ablate`: trains networks that differ in one thing with several seeds, and scores each
 * by k-NN and linear probe.
 */
import type { TrainHooks } from "lib/runs/events.ts";
import {
  type Arm,
  type ArmData,
  armName,
  familyOfArm,
  printedOfArm,
} from "lib/experiments/configs/arms.ts";
import { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { type PretrainConfig, type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { counter, plural, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { type KnnCourse, knnMonitor, type KnnPoint } from "lib/experiments/measure/knn_monitor.ts";
import { pretrain } from "./pretrain.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { statusOf } from "lib/experiments/runs/shipped.ts";
import type { TrainResult } from "lib/experiments/runs/train_run.ts";

/**
 * Results of one arm. Accuracies are fractions of the test images, one for each seed, in the order
 * of `seeds`.
 */
export interface ArmResult extends Arm {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly name: string;
  /** Name of its family: `BC-SSL`. */
  readonly family: string;
  /** k-NN of the teacher after the last step. */
  readonly knn: readonly number[];
  /**
   * The best k-NN measured during training. It is chosen on the test images, so it is too
   * optimistic.
   */
  readonly bestKnn: readonly number[];
  /** Epoch of the best k-NN. */
  readonly bestEpoch: readonly number[];
  /** Linear probe of the teacher after the last step. */
  readonly linear: readonly number[];
  /** The k-NN through training. */
  readonly monitor: readonly { readonly epoch: number; readonly values: readonly number[] }[];
  /** The paper's accuracies of this network on ImageNet-1K, fractions. */
  readonly paper: { readonly knn?: number; readonly linear?: number };
  /** Images that the runs were trained on, if `change` does not say otherwise. */
  readonly data: ArmData | "imagenet";
  /** The change of the comparison; absent if there was none. */
  readonly change?: ArmSetting["change"];
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the runs, one for each seed. */
  readonly runs: readonly string[];
}

/** Shows the progress of a long computation, as `watch` of `lib/report` does. */
export type Watch = <R>(title: string, run: (hooks: TrainHooks) => Promise<R>) => Promise<R>;

/** Setting and seeds of a comparison, and how its progress is shown. */
export interface AblateOptions extends ArmSetting {
  /** Whole numbers; every arm is trained once with each. */
  readonly seeds: readonly number[];
  /** Neighbours of the k-NN. By default 20. */
  readonly k?: number;
  /** Whether to train finished runs again. */
  readonly fresh?: boolean;
  /**
   * Shows the progress of the comparison, and within it that of every run. By default nothing is
   * shown.
   */
  readonly watch?: Watch;
}

const unseen: Watch = (_, run) => run({});

/**
 * Trains and evaluates every arm with every seed: all arms with the first seed, then with the
 * second, and so on. Finished runs are loaded from `outputs/` or from those that come with the
 * project, so after a change only the arm that changed takes time.
 *
 * @returns One result per arm, in their order.
 * @throws {RangeError} If there is no arm or no seed, or for the reasons of
 *   {@linkcode changedArmConfig}.
 * @throws {Error} If it was interrupted; finished runs are kept, and the same call continues.
 *
 * @example
 * ```ts
 * import { ablate } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const results = await ablate(
 *   [{ arch: "convnext", kernelSize: 3 }, { arch: "convnext", kernelSize: 3, batchNorm: true }],
 *   { scale: "smoke", seeds: [0], data: "fashion" },
 * );
 * assertEquals(results.map(({ name }) => name), ["ConvNeXt, 3×3", "BC-SSL, 3×3"]);
 * for (const { name, knn, linear } of results) console.log(name, { knn, linear }); // by seed
 *
 * // The same arms in another setting are other runs.
 * await ablate([{ arch: "convnext", kernelSize: 3 }], {
 *   scale: "smoke",
 *   seeds: [0],
 *   change: { data: { background: "textured" } },
 * });
 * ```
 */
export async function ablate(
  arms: readonly Arm[],
  options: AblateOptions,
): Promise<ArmResult[]> {
  const { scale, seeds, data, geometry, change, k = 20, watch = unseen } = options;
  if (arms.length === 0 || seeds.length === 0) {
    throw new RangeError(
      `Cannot compare: need an arm and a seed, current are ${arms.length} and ${seeds.length}`,
    );
  }
  const configs = arms.map((arm) => changedArmConfig(arm, { scale, data, geometry, change }));
  const title = `${plural(arms.length, "network")}, ${plural(seeds.length, "seed")}`;
  const measured = await watch(title, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const bySeed: RunScores[][] = [];
    for (const seed of seeds) {
      const row: RunScores[] = [];
      for (const [i, config] of configs.entries()) {
        const name = `${armName(arms[i]!)}, seed ${seed}`;
        row.push(await count(() => measure(name, config, { ...options, ...hooks, seed })));
      }
      bySeed.push(row);
    }
    return bySeed;
  });
  return arms.map((arm, i) => ({
    ...arm,
    name: armName(arm),
    family: familyOfArm(arm),
    ...joinSeeds(measured.map((row) => row[i]!), { k, ...sizesAt(configs[i]!, scale) }),
    paper: { knn: printedOfArm(arm, "knn"), linear: printedOfArm(arm, "linear") },
    data: scale === "paper" ? "imagenet" : data ?? "emoji",
    ...(change && { change }),
    scale,
    seeds,
  }));
}

/** Scores of one run. */
interface RunScores {
  readonly run: TrainResult;
  readonly linear: number;
}

async function measure(
  name: string,
  config: PretrainConfig,
  { scale, seed, fresh, watch = unseen, signal, onWarning, onShipped }:
    & AblateOptions
    & Pick<TrainHooks, "signal" | "onWarning" | "onShipped">
    & { readonly seed: number },
): Promise<RunScores> {
  const key = { scale, seed };
  const train = (hooks: TrainHooks) =>
    toItsEnd(pretrain, config, { ...key, signal, onWarning, onShipped, ...hooks, fresh });
  const loads = !fresh && statusOf(runFolder({ config, ...key }))?.finished;
  const run = loads ? await train({}) : await watch(name, train);
  const { top1 } = await chosenProbe(config, { ...key, of: "teacher", signal });
  return { run, linear: top1 };
}

/** Joins all seeds of one arm. */
function joinSeeds(
  measured: readonly RunScores[],
  { k, epochs }: { readonly k: number; readonly epochs: number },
) {
  const courses = measured.map(({ run }) => courseOf(run, k));
  const { totalSteps } = measured[0]!.run;
  const epochOf = ({ step }: KnnPoint) => epochs * step / totalSteps;
  return {
    knn: courses.map(({ last }) => last.top1),
    bestKnn: courses.map(({ best }) => best.top1),
    bestEpoch: courses.map(({ best }) => epochOf(best)),
    linear: measured.map(({ linear }) => linear),
    monitor: courses[0]!.points.map((point, i) => ({
      epoch: epochOf(point),
      values: courses.map(({ points }) => points[i]!.top1),
    })),
    runs: measured.map(({ run }) => run.run),
  };
}

function courseOf({ run, history }: TrainResult, k: number): KnnCourse {
  const courses = knnMonitor({ history });
  const course = courses.find((course) => course.k === k);
  if (course !== undefined) return course;
  throw new RangeError(`Cannot score ${run} at k = ${k}: use ${courses.map((course) => course.k)}`);
}
