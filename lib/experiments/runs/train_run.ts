/**
 * A run from its beginning or its newest checkpoint to its end, whatever trains in it; or what
 * there is of it, loaded.
 */
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine, TrainHooks } from "lib/runs/events.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import type { Learner } from "./learner.ts";
import { writeParquet } from "./registry.ts";
import { readPast } from "./recorder.ts";
import { mayCompute } from "./saved_only.ts";
import { beginFresh, endFreshStart, goOnFresh, isFreshUnderWay } from "./fresh_start.ts";
import { openRun, recordSession, restoreRun, type RunFolder } from "./run_folder.ts";
import { readStatus } from "./run_status.ts";
import { monitorIsDue, trainOn } from "./training.ts";

/** Options of every verb that trains. */
export interface TrainOptions extends Pick<RunKey, "scale" | "seed">, TrainHooks {
  /**
   * Forget what `outputs/` holds of this run and train again. If that is interrupted, the same call
   * goes on with it; only what has come to its end is forgotten by the next.
   */
  readonly fresh?: boolean;
  /** Stop for now after this many steps of the run; the schedules still span all of it. */
  readonly untilStep?: number;
  /**
   * Between two checkpoints, at least; writing them takes a twentieth of the time at most. An
   * interrupt saves at once, a crash costs what was done since. By default, 20.
   */
  readonly checkpointSeconds?: number;
}

/** What a run has come to. Numbers only: its weights stay on disk. */
export interface TrainResult extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run, and name of its folder in `outputs/`. */
  readonly run: string;
  /** Steps done. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** All steps taken, and the last one measured. */
  readonly finished: boolean;
  /**
   * Every step's metrics (of a run longer than 20,000 steps, an even sample), and at the monitor's
   * steps `knn10Top1`, `knn20Top1`, … or a detector's `boxAp`, …, fractions. Speeds, which no two
   * runs share, are in metrics.jsonl and in `runHistory(run)`.
   */
  readonly history: readonly HistoryLine[];
}

/** One run, before it is known how far it is. */
export interface Run {
  readonly folder: RunFolder;
  /** config.json: all that decides its numbers. */
  readonly description: object;
  readonly monitorEvery: number;
  /** The metric of the monitor that says how good the run is; larger is better. */
  readonly score: string;
  /**
   * Whether what its folder holds was trained on the pictures that are there now. Absent for data
   * that cannot change.
   */
  hasSameData?(): Promise<boolean>;
  /** At step 0. Called only where there is something left to train. */
  learner(): Promise<Learner>;
}

/**
 * Trains a run to its end, from where `outputs/` has it; loads it if it is finished there, which
 * writes nothing.
 *
 * Stops after the current step when `signal` is aborted, saves, and returns what there is: the same
 * call goes on. A run that was killed, at any moment, goes on from its newest good checkpoint to
 * the very numbers it would have had.
 *
 * @throws {RangeError} If a loss or a gradient is not finite; the last checkpoint stands.
 * @throws {NotSavedError} If there is something to train and `BCSSL_SAVED` is `only`.
 * @throws {Error} If the disk refuses, or another process is writing the run.
 */
export async function trainRun(
  run: Run,
  { scale, seed, fresh = false, untilStep = Infinity, checkpointSeconds = 20, ...hooks }:
    TrainOptions,
): Promise<TrainResult> {
  const { folder, description, monitorEvery, score } = run;
  const ready = loadReady(run, untilStep);
  if (ready !== undefined && !fresh) {
    await hooks.onStart?.(ready.history, ready.totalSteps);
    return { run: folder.id, scale, seed, ...ready };
  }
  mayCompute(`run ${folder.id}`);
  const warn = hooks.onWarning ?? console.warn;
  using lock = openRun(folder, description);
  if (lock.takenOver) warn(lock.takenOver);
  const goesOn = fresh && ready === undefined && await isFreshUnderWay(folder, run.hasSameData);
  if (fresh && !goesOn) beginFresh(folder);
  using learner = await run.learner();
  const { totalSteps, unmonitored } = learner;
  if (unmonitored !== undefined) warn(unmonitored);
  if (goesOn) goOnFresh(folder, totalSteps, warn);
  const done = restoreRun(folder, learner, warn);
  warnIfDataChanged(folder, totalSteps, warn);
  await recordSession(folder, done);
  const until = Math.min(untilStep, totalSteps);
  const every = unmonitored === undefined ? monitorEvery : Infinity;
  const plan = { done, until, totalSteps, monitorEvery: every, score, checkpointSeconds };
  const { step, history } = await trainOn(folder, learner, plan, { ...hooks, onWarning: warn });
  writeParquet(folder);
  const isDue = monitorIsDue(history, step, plan);
  if (step === until && !isDue) endFreshStart(folder);
  const finished = step === totalSteps && !isDue;
  return { run: folder.id, scale, seed, step, totalSteps, finished, history };
}

/** What there is to load, if no step and no measurement is missing, and its checkpoint is good. */
function loadReady(
  { folder, monitorEvery, score }: Run,
  untilStep: number,
): Pick<TrainResult, "step" | "totalSteps" | "finished" | "history"> | undefined {
  const status = readStatus(folder);
  if (status === undefined) return undefined;
  const { step, totalSteps, finished } = status;
  if (step < Math.min(untilStep, totalSteps) || !isGood(folder, step)) return undefined;
  const { history, missing } = readPast(folder, status);
  const every = status.unmonitored ? Infinity : monitorEvery;
  const due = monitorIsDue(history, step, { totalSteps, monitorEvery: every, score });
  if (missing > 0 || due) return undefined;
  return { step, totalSteps, finished, history };
}

function isGood({ path }: RunFolder, step: number): boolean {
  const newest = listCheckpoints(path)[0];
  if (newest?.step !== step) return false;
  try {
    readTrainingState(newest.path);
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
