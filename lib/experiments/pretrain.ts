/** The verb `pretrain`: trains, or goes on with, or simply loads, one run. */
import { createRng } from "lib/rng.ts";
import { createDinoState, disposeDinoState } from "lib/ssl/dino/step.ts";
import { readDinoCheckpoint } from "lib/ssl/dino/checkpoint.ts";
import { runLength } from "lib/ssl/dino/recipe.ts";
import { listCheckpoints } from "lib/train/checkpoints.ts";
import type { HistoryLine, TrainHooks } from "lib/train/events.ts";
import { imageCount } from "lib/datasets/images.ts";
import { openData } from "lib/experiments/data.ts";
import {
  type PretrainConfig,
  recipeAt,
  type RunKey,
  type ScaleName,
  sizesAt,
} from "lib/experiments/config.ts";
import { writeParquet } from "lib/experiments/registry.ts";
import { readPast } from "lib/experiments/run_metrics.ts";
import {
  clearRun,
  openRun,
  readStatus,
  recordSession,
  restoreRun,
  type RunFolder,
  runFolder,
} from "lib/experiments/runs.ts";
import { monitorIsDue, trainOn } from "lib/experiments/training.ts";

export interface PretrainOptions extends TrainHooks {
  readonly scale: ScaleName;
  readonly seed: number;
  /** Forget what `outputs/` holds of this run and train again. */
  readonly fresh?: boolean;
  /** Stop for now after this many steps of the run; the schedules still span all of it. */
  readonly untilStep?: number;
  /**
   * Between two checkpoints, at least; writing them takes a twentieth of the time at most. An interrupt saves at once, a crash costs
   * what was done since. By default, 20.
   */
  readonly checkpointSeconds?: number;
}

/** What a run has come to. Numbers only: its weights stay on disk. */
export interface PretrainResult {
  /** Id of the run, and name of its folder in `outputs/`. */
  readonly run: string;
  readonly scale: ScaleName;
  readonly seed: number;
  readonly step: number;
  readonly totalSteps: number;
  /** All steps taken, and the last one's k-NN measured. */
  readonly finished: boolean;
  /**
   * Every step's metrics (of a run longer than 20,000 steps, an even sample), and at the monitor's steps `knn10Top1`, `knn20Top1`, …,
   * fractions. Speeds, which no two runs share, are in metrics.jsonl and in `runHistory(run)`.
   */
  readonly history: readonly HistoryLine[];
}

/**
 * Trains a run to its end, from where `outputs/` has it; loads it if it is finished there, which writes nothing.
 *
 * Stops after the current step when `signal` is aborted, saves, and returns what there is: the same call goes on. A run that was
 * killed, at any moment, goes on from its newest good checkpoint to the very numbers it would have had.
 *
 * @throws {RangeError} If a loss or a gradient is not finite; the last checkpoint stands.
 * @throws {Error} If the disk refuses, or another process is writing the run.
 */
export async function pretrain(
  config: PretrainConfig,
  { scale, seed, fresh = false, untilStep = Infinity, checkpointSeconds = 20, ...hooks }:
    PretrainOptions,
): Promise<PretrainResult> {
  const key = { config, scale, seed };
  const folder = runFolder(key);
  const ready = fresh ? undefined : loadReady(folder, key, untilStep);
  if (ready !== undefined) {
    await hooks.onStart?.(ready.history, ready.totalSteps);
    return ready;
  }
  const warn = hooks.onWarning ?? console.warn;
  using lock = openRun(folder, key);
  if (lock.takenOver) warn(lock.takenOver);
  if (fresh) clearRun(folder);
  const recipe = recipeAt(config, scale);
  const data = await openData(config.data, sizesAt(config, scale));
  const { totalSteps } = runLength(recipe, imageCount(data.pretrain));
  const state = createDinoState(recipe.model, recipe.head, createRng(seed).fork("init"));
  try {
    const done = restoreRun(folder, state, warn);
    warnIfDataChanged(folder, totalSteps, warn);
    await recordSession(folder, done);
    const { monitorEvery } = sizesAt(config, scale);
    const until = Math.min(untilStep, totalSteps);
    const plan = { recipe, data, seed, done, until, totalSteps, monitorEvery, checkpointSeconds };
    const { step, history } = await trainOn(folder, state, plan, { ...hooks, onWarning: warn });
    writeParquet(folder);
    const finished = step === totalSteps && !monitorIsDue(history, step, plan);
    return { run: folder.id, scale, seed, step, totalSteps, finished, history };
  } finally {
    disposeDinoState(state);
  }
}

/** What there is to load, if no step and no k-NN is missing, and its checkpoint is good. */
function loadReady(
  folder: RunFolder,
  { config, scale, seed }: RunKey,
  untilStep: number,
): PretrainResult | undefined {
  const status = readStatus(folder);
  if (status === undefined) return undefined;
  const { step, totalSteps, finished } = status;
  if (step < Math.min(untilStep, totalSteps) || !isGood(folder, step)) return undefined;
  const { history, missing } = readPast(folder, status);
  const plan = { totalSteps, monitorEvery: sizesAt(config, scale).monitorEvery };
  if (missing > 0 || monitorIsDue(history, step, plan)) return undefined;
  return { run: folder.id, scale, seed, step, totalSteps, finished, history };
}

function isGood({ path }: RunFolder, step: number): boolean {
  const newest = listCheckpoints(path)[0];
  if (newest?.step !== step) return false;
  try {
    readDinoCheckpoint(newest.path);
    return true;
  } catch {
    return false; // said when it is looked at again, to go on from another
  }
}

/** A run is a function of its config and its images; the id is that of the config alone. */
function warnIfDataChanged(
  folder: RunFolder,
  totalSteps: number,
  warn: (message: string) => void,
): void {
  const before = readStatus(folder)?.totalSteps;
  if (before === undefined || before === totalSteps) return;
  warn(
    `The images of run ${folder.id} have changed: it had ${before} steps, now it has ${totalSteps}; { fresh: true } trains again`,
  );
}
