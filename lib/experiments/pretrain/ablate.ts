/** The verb `ablate`: networks that differ in one thing, each trained with every seed, by k-NN and by linear probe. */
import type { TrainHooks } from "lib/runs/events.ts";
import {
  type Arm,
  armConfig,
  type ArmData,
  armName,
  familyOfArm,
  printedOfArm,
} from "lib/experiments/configs/arms.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { type PretrainConfig, type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { counter, plural, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { type KnnCourse, knnMonitor, type KnnPoint } from "lib/experiments/measure/knn_monitor.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { readStatus, runFolder } from "lib/experiments/runs/run_folder.ts";
import type { TrainResult } from "lib/experiments/runs/train_run.ts";

/** What one arm reached. Accuracies are fractions of the test images, one for each seed, in the order of `seeds`. */
export interface ArmResult extends Arm {
  /** `BC-SSL, 9×9`. */
  readonly name: string;
  /** `BC-SSL`. */
  readonly family: string;
  /** Of the teacher after the last step. */
  readonly knn: readonly number[];
  /** Of its best measurement on the way: chosen on the test images, so it flatters. */
  readonly bestKnn: readonly number[];
  /** The epoch of it. */
  readonly bestEpoch: readonly number[];
  /** By linear probes of the teacher after the last step. */
  readonly linear: readonly number[];
  /** The k-NN through training. */
  readonly monitor: readonly { readonly epoch: number; readonly values: readonly number[] }[];
  /** What the paper prints of this network on ImageNet-1K, fractions. */
  readonly paper: { readonly knn?: number; readonly linear?: number };
  readonly data: ArmData | "imagenet";
  readonly scale: ScaleName;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
}

/** Shows how a long computation goes, as `watch` of `lib/report`. */
export type Watch = <R>(title: string, run: (hooks: TrainHooks) => Promise<R>) => Promise<R>;

export interface AblateOptions {
  readonly scale: ScaleName;
  readonly seeds: readonly number[];
  /** By default emoji; at `paper`, ImageNet-1K whatever stands here. */
  readonly data?: ArmData;
  /** Of the k-NN. By default 20. */
  readonly k?: number;
  /** Train again, also what is finished. */
  readonly fresh?: boolean;
  /** Shows the whole, and within it every run that has to be trained. By default nothing is shown. */
  readonly watch?: Watch;
}

const unseen: Watch = (_, run) => run({});

/**
 * Trains every arm with every seed, the first seed of all arms first, and evaluates it. What `outputs/` holds is loaded, so that an
 * arm that was changed is the only one to take time.
 *
 * @returns A result for each arm, in their order.
 * @throws {RangeError} If there is no arm or no seed, or as {@linkcode armConfig}.
 * @throws {Error} If it was interrupted: what was done is kept, and the same call goes on.
 */
export async function ablate(
  arms: readonly Arm[],
  options: AblateOptions,
): Promise<ArmResult[]> {
  const { scale, seeds, data, k = 20, watch = unseen } = options;
  if (arms.length === 0 || seeds.length === 0) {
    throw new RangeError(
      `Cannot compare: need an arm and a seed, current are ${arms.length} and ${seeds.length}`,
    );
  }
  const configs = arms.map((arm) => armConfig(arm, { scale, data }));
  const title = `${plural(arms.length, "network")}, ${plural(seeds.length, "seed")}`;
  const measured = await watch(title, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const bySeed: Measured[][] = [];
    for (const seed of seeds) {
      const row: Measured[] = [];
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
    ...gathered(measured.map((row) => row[i]!), { k, ...sizesAt(configs[i]!, scale) }),
    paper: { knn: printedOfArm(arm, "knn"), linear: printedOfArm(arm, "linear") },
    data: scale === "paper" ? "imagenet" : data ?? "emoji",
    scale,
    seeds,
  }));
}

/** One run, and its probe. */
interface Measured {
  readonly run: TrainResult;
  readonly linear: number;
}

async function measure(
  name: string,
  config: PretrainConfig,
  { scale, seed, fresh, watch = unseen, signal, onWarning }:
    & AblateOptions
    & Pick<TrainHooks, "signal" | "onWarning">
    & { readonly seed: number },
): Promise<Measured> {
  const key = { scale, seed };
  const train = (hooks: TrainHooks) =>
    toItsEnd(pretrain, config, { ...key, signal, onWarning, ...hooks, fresh });
  const loads = !fresh && readStatus(runFolder({ config, ...key }))?.finished;
  const run = loads ? await train({}) : await watch(name, train);
  const { top1 } = await chosenProbe(config, { ...key, of: "teacher", signal });
  return { run, linear: top1 };
}

/** All seeds of one arm. */
function gathered(
  measured: readonly Measured[],
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
  const found = courses.find((course) => course.k === k);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot score ${run} at k = ${k}: use ${courses.map((course) => course.k)}`);
}
