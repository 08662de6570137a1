/**
 * Trains a run of any kind to its end, from its beginning or from its newest checkpoint; or loads
 * it if it is finished.
 */
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine, TrainHooks } from "lib/runs/events.ts";
import { faultPoint } from "lib/runs/fault_points.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { anyOf, numberOfFirst, requireSame, StoppedElsewhereError } from "lib/distributed/agree.ts";
import { alone, type World } from "lib/distributed/world.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import type { Learner } from "./learner.ts";
import { writeParquet } from "./registry.ts";
import { readPast } from "./recorder.ts";
import { mayCompute } from "./saved_only.ts";
import { beginFresh, endFreshStart, goOnFresh, isFreshUnderWay } from "./fresh_start.ts";
import { originOf, shippedRun } from "./shipped.ts";
import { recordSession, warnOfSession } from "./environment.ts";
import { openRun, restoreRun, type RunFolder } from "./run_folder.ts";
import { readStatus } from "./run_status.ts";
import { isMonitored, monitorIsDue, trainOn } from "./training.ts";

/** Options of every verb that trains. */
export interface TrainOptions extends Pick<RunKey, "scale" | "seed">, TrainHooks {
  /**
   * Whether to delete what `outputs/` holds of this run and train it again; a run that comes with
   * the project is trained here then, and counts from then on. If that is interrupted, the same
   * call resumes it; once it has ended, the same call deletes it again.
   */
  readonly fresh?: boolean;
  /** Stop for now after this many steps of the run; the schedules still span all of it. */
  readonly untilStep?: number;
  /**
   * Least number of seconds between two checkpoints; writing them takes at most a twentieth of the
   * time. An interrupt saves at once; a crash loses the steps since the last checkpoint. By
   * default, 20.
   */
  readonly checkpointSeconds?: number;
  /**
   * The processes that train the run together, each called with the same options. Process 0 keeps
   * the files; the others have an empty `history`. By default, this process alone.
   */
  readonly world?: World;
}

/** The result of a run: numbers only, since the weights stay on disk. */
export interface TrainResult extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run, and name of its folder in `outputs/`. */
  readonly run: string;
  /** Number of steps done. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Whether all steps are taken and the last one is measured. */
  readonly finished: boolean;
  /**
   * Metrics of every step; if the run is longer than 20,000 steps, of an even sample. The monitor's
   * steps also have `knn10Top1`, `knn20Top1`, … or a detector's `boxAp`, …, which are fractions,
   * and `rankMe` and `alphaReQ` of the features; runs that were trained before these two were
   * measured lack them.
   * Speeds differ from run to run; they are in metrics.jsonl and in `runHistory(run)`.
   */
  readonly history: readonly HistoryLine[];
}

/** A description of a run, which may be anywhere between not begun and finished. */
export interface Run {
  readonly folder: RunFolder;
  /** The contents of config.json: everything that the run's numbers depend on. */
  readonly description: object;
  readonly monitorEvery: number;
  /** The metric of the monitor that says how good the run is; larger is better. */
  readonly score: string;
  /**
   * Whether the run's folder was trained on the pictures that are there now. Absent for data that
   * cannot change.
   */
  hasSameData?(): Promise<boolean>;
  /** Whether several processes can train it together. By default, they cannot. */
  readonly divides?: boolean;
  /** Creates the learner, at step 0. Called only if there are steps left to train. */
  learner(): Promise<Learner>;
}

/**
 * Trains a run to its end, from its newest checkpoint in `outputs/`. If it is finished there, or
 * comes with the project and is not trained here, only loads it and writes nothing.
 *
 * When `signal` is aborted, the run stops after the current step, saves and returns what it has;
 * the same call resumes it. A run that was killed at any moment resumes from its newest good
 * checkpoint, and gives the same numbers as one that was never killed.
 *
 * @throws {RangeError} If a loss or a gradient is not finite; the last checkpoint stays.
 * @throws {NotSavedError} If there is something to train and `BCSSL_SAVED` is `only`.
 * @throws {Error} If the disk refuses, or another process is writing the run.
 */
export async function trainRun(
  run: Run,
  options: TrainOptions,
): Promise<TrainResult> {
  const { world = alone } = options;
  if (world.size > 1 && !run.divides) {
    throw new RangeError(
      `Cannot train ${run.folder.id} with ${world.size} processes: only pretraining without labels can be shared`,
    );
  }
  requireSame(world, "run", [JSON.stringify([run.description, options.fresh, options.untilStep])]);
  if (world.rank === 0) return await keepRun(run, options);
  const { step, totalSteps } = await followRun(run, options);
  const { scale, seed } = options;
  const finished = step === totalSteps;
  return { run: run.folder.id, scale, seed, step, totalSteps, finished, history: [] };
}

/** Trains a run and keeps its files. */
async function keepRun(
  run: Run,
  {
    scale,
    seed,
    fresh = false,
    untilStep = Infinity,
    checkpointSeconds = 20,
    world = alone,
    ...hooks
  }: TrainOptions,
): Promise<TrainResult> {
  const { folder, description, monitorEvery, score } = run;
  const ready = loadReady(run, untilStep);
  if (ready !== undefined && !fresh) {
    tellStep(world, ready);
    await hooks.onStart?.(ready.history, ready.totalSteps);
    return { run: folder.id, scale, seed, ...ready };
  }
  const shipped = fresh ? undefined : shippedRun(folder);
  if (shipped !== undefined) {
    const { step, totalSteps, finished } = shipped.status;
    tellStep(world, shipped.status);
    const history = shipped.history();
    hooks.onShipped?.(originOf(shipped));
    await hooks.onStart?.(history, totalSteps);
    return { run: folder.id, scale, seed, step, totalSteps, finished, history };
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
  warnOfSession(folder, done, world, warn);
  await recordSession(folder, done, world);
  tellStep(world, { step: done, totalSteps }, learner);
  const until = Math.min(untilStep, totalSteps);
  const every = unmonitored === undefined ? monitorEvery : Infinity;
  const plan = { done, until, totalSteps, monitorEvery: every, score, checkpointSeconds, world };
  const { step, history } = await trainOn(folder, learner, plan, { ...hooks, onWarning: warn });
  writeParquet(folder);
  endTogether(world);
  const isDue = monitorIsDue(history, step, plan);
  if (step === until && !isDue) endFreshStart(folder);
  const finished = step === totalSteps && !isDue;
  return { run: folder.id, scale, seed, step, totalSteps, finished, history };
}

/**
 * Loads a run if no step and no measurement is missing and its checkpoint is good; otherwise
 * returns `undefined`.
 */
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
    return false; // `restoreRun` reads it again and warns
  }
}

/**
 * Warns if a run has another length than before: its id depends on the config alone, and the images
 * may have changed.
 */
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

/** How far a run is. */
type Progress = Pick<TrainResult, "step" | "totalSteps">;

/**
 * Tells the other processes, from process 0, where the run stands.
 *
 * @param learner Absent if there is nothing to train.
 */
function tellStep(
  world: World,
  { step, totalSteps }: Progress,
  learner?: Learner,
): void {
  numberOfFirst(world, learner === undefined ? 0 : 1);
  numberOfFirst(world, step);
  numberOfFirst(world, totalSteps);
  if (learner !== undefined) requireSameState(world, learner, step);
}

/** Trains a run whose files process 0 keeps, from the checkpoint that it goes on from. */
async function followRun(
  { folder, learner: create, monitorEvery }: Run,
  { untilStep = Infinity, world = alone, signal }: TrainOptions,
): Promise<Progress> {
  const trains = numberOfFirst(world, 0);
  const done = numberOfFirst(world, 0);
  const totalSteps = numberOfFirst(world, 0);
  if (trains === 0) return { step: done, totalSteps };
  using learner = await create();
  if (done > 0) restoreRun(folder, learner, () => {}); // process 0 warns
  requireSameState(world, learner, done);
  const stops = (step: number) =>
    anyOf(world, step >= Math.min(untilStep, totalSteps) || (signal?.aborted ?? false));
  let last = done;
  const wait = async <T>(batch: Promise<T>) => {
    const views = await batch;
    faultPoint("step begun");
    return views;
  };
  const every = learner.unmonitored === undefined ? monitorEvery : Infinity;
  const measureIfDue = async (step: number) => {
    if (!isMonitored(step, { monitorEvery: every, totalSteps })) return;
    if (numberOfFirst(world, 0) === 1) await helpToMeasure(learner);
  };
  await measureIfDue(done); // in case the run was stopped during a measurement
  if (!stops(done)) {
    for await (const { step } of learner.train(done, wait, () => true)) {
      last = step;
      await measureIfDue(step);
      if (stops(step)) break;
    }
  }
  endTogether(world);
  return { step: last, totalSteps };
}

/** Takes part in a measurement. If process 0 has ended it, all hear next whether to stop. */
async function helpToMeasure(learner: Learner): Promise<void> {
  try {
    await learner.helpToMeasure?.();
  } catch (error) {
    if (!(error instanceof StoppedElsewhereError)) throw error;
  }
}

/** Waits until process 0 has written the run's files, so that all end as the run does. */
function endTogether(world: World): void {
  anyOf(world, false);
}

function requireSameState(world: World, { state = new Map() }: Learner, step: number): void {
  const values = function* () {
    for (const [name, x] of state) {
      const { buffer, byteOffset, byteLength } = x.dataSync();
      yield name;
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  };
  requireSame(world, `state at step ${step}`, values());
}
