/** Trains the runs of several configs with several seeds, and scores each by k-NN and linear probe. */
import type { TrainHooks } from "lib/runs/events.ts";
import { type PretrainConfig, type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { type KnnCourse, knnMonitor, type KnnPoint } from "lib/experiments/measure/knn_monitor.ts";
import type { NamedConfig } from "lib/experiments/measure/quality_scores.ts";
import { counter, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { statusOf } from "lib/experiments/runs/shipped.ts";
import type { TrainResult } from "lib/experiments/runs/train_run.ts";
import { pretrain } from "./pretrain.ts";

/** Shows the progress of a long computation, as `watch` of `lib/report` does. */
export type Watch = <R>(title: string, run: (hooks: TrainHooks) => Promise<R>) => Promise<R>;

/** Scale and seeds of a comparison, and how its progress is shown. */
export interface CompareOptions {
  /** Name of the scale of all runs. */
  readonly scale: ScaleName;
  /** Whole numbers; everything that is compared is trained once with each. */
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

/** Accuracies of the runs of one config: fractions of the test images, one for each seed. */
export interface RunAccuracies {
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
  /** Ids of the runs, one for each seed. */
  readonly runs: readonly string[];
}

/** Accuracies of the runs of one config, and what their monitors found without labels. */
export interface ConfigResult {
  readonly accuracies: RunAccuracies;
  /** RankMe of the features after the last step, one for each seed; NaN if it was not measured. */
  readonly rankMe: readonly number[];
  /** The same for α-ReQ, which is NaN too if the features have collapsed. */
  readonly alphaReQ: readonly number[];
}

/** Shows nothing. */
export const unseen: Watch = (_, run) => run({});

/**
 * Trains and evaluates every config with every seed: all configs with the first seed, then with the
 * second, and so on. Finished runs are loaded.
 *
 * @param title Title of the progress.
 * @returns One result per config, in their order.
 * @throws {RangeError} If there is no config or no seed.
 * @throws {Error} If it was interrupted; finished runs are kept, and the same call continues.
 */
export async function compareConfigs(
  title: string,
  configs: readonly NamedConfig[],
  options: CompareOptions,
): Promise<ConfigResult[]> {
  const { scale, seeds, k = 20, watch = unseen } = options;
  if (configs.length === 0 || seeds.length === 0) {
    throw new RangeError(
      `Cannot compare: need an arm and a seed, current are ${configs.length} and ${seeds.length}`,
    );
  }
  const measured = await watch(title, async (hooks) => {
    const count = counter(configs.length * seeds.length, hooks);
    const bySeed: RunScores[][] = [];
    for (const seed of seeds) {
      const row: RunScores[] = [];
      for (const { name, config } of configs) {
        const named = `${name}, seed ${seed}`;
        row.push(await count(() => measure(named, config, { ...options, ...hooks, seed })));
      }
      bySeed.push(row);
    }
    return bySeed;
  });
  return configs.map(({ config }, i) =>
    joinSeeds(measured.map((row) => row[i]!), { k, ...sizesAt(config, scale) })
  );
}

/** Scores of one run. */
interface RunScores {
  readonly run: TrainResult;
  readonly linear: number;
}

/** Which run of a comparison, and who hears of it. */
export interface TrainedRunOptions
  extends
    Pick<CompareOptions, "scale" | "fresh" | "watch">,
    Pick<TrainHooks, "signal" | "onWarning" | "onShipped"> {
  readonly seed: number;
}

/**
 * Trains a run of a comparison to its end, or loads it.
 *
 * @param name Title of its progress, which is shown only if there is something to train.
 * @throws {Error} If it was stopped before its end; it is saved then.
 */
export async function trainedRun(
  name: string,
  config: PretrainConfig,
  { scale, seed, fresh, watch = unseen, signal, onWarning, onShipped }: TrainedRunOptions,
): Promise<TrainResult> {
  const key = { scale, seed };
  const train = (hooks: TrainHooks) =>
    toItsEnd(pretrain, config, { ...key, signal, onWarning, onShipped, ...hooks, fresh });
  const loads = !fresh && statusOf(runFolder({ config, ...key }))?.finished;
  return loads ? await train({}) : await watch(name, train);
}

async function measure(
  name: string,
  config: PretrainConfig,
  options: TrainedRunOptions,
): Promise<RunScores> {
  const run = await trainedRun(name, config, options);
  const { scale, seed, signal } = options;
  const { top1 } = await chosenProbe(config, { scale, seed, of: "teacher", signal });
  return { run, linear: top1 };
}

/** Joins all seeds of one config. */
function joinSeeds(
  measured: readonly RunScores[],
  { k, epochs }: { readonly k: number; readonly epochs: number },
): ConfigResult {
  const courses = measured.map(({ run }) => courseOf(run, k));
  const { totalSteps } = measured[0]!.run;
  const epochOf = ({ step }: KnnPoint) => epochs * step / totalSteps;
  return {
    accuracies: {
      knn: courses.map(({ last }) => last.top1),
      bestKnn: courses.map(({ best }) => best.top1),
      bestEpoch: courses.map(({ best }) => epochOf(best)),
      linear: measured.map(({ linear }) => linear),
      monitor: courses[0]!.points.map((point, i) => ({
        epoch: epochOf(point),
        values: courses.map(({ points }) => points[i]!.top1),
      })),
      runs: measured.map(({ run }) => run.run),
    },
    rankMe: measured.map(({ run }) => lastOf(run, "rankMe")),
    alphaReQ: measured.map(({ run }) => lastOf(run, "alphaReQ")),
  };
}

function courseOf({ run, history }: TrainResult, k: number): KnnCourse {
  const courses = knnMonitor({ history });
  const course = courses.find((course) => course.k === k);
  if (course !== undefined) return course;
  throw new RangeError(`Cannot score ${run} at k = ${k}: use ${courses.map((course) => course.k)}`);
}

/** What the monitor measured after the last step; NaN if it did not measure that. */
function lastOf({ history }: TrainResult, metric: string): number {
  return history.at(-1)!.metrics[metric] ?? NaN;
}
