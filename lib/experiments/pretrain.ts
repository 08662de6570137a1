/** The verb `pretrain`: trains, or goes on with, or simply loads, one run. */
import { createRng } from "lib/rng.ts";
import { createDinoState, type DinoState, disposeDinoState } from "lib/ssl/dino/step.ts";
import { loadDinoState, saveDinoState } from "lib/ssl/dino/checkpoint.ts";
import { createCropper } from "lib/ssl/dino/cropper.ts";
import { type DinoRecipe, runLength } from "lib/ssl/dino/recipe.ts";
import { trainDino } from "lib/ssl/dino/train.ts";
import type { HistoryLine, TrainHooks } from "lib/train/events.ts";
import { imageCount } from "lib/datasets/images.ts";
import { type DataSplit, loadData } from "lib/experiments/data.ts";
import { knnOfModel } from "lib/experiments/knn.ts";
import { type PretrainConfig, recipeAt, type ScaleName, sizesAt } from "lib/experiments/config.ts";
import {
  addToHistory,
  clearRun,
  hasCheckpoint,
  openMetricsLog,
  openRun,
  readHistory,
  type RunFolder,
} from "lib/experiments/runs.ts";

export interface PretrainOptions extends TrainHooks {
  readonly scale: ScaleName;
  readonly seed: number;
  /** Forget what `outputs/` holds of this run and train again. */
  readonly fresh?: boolean;
  /** Stop for now after this many steps of the run; the schedules still span all of it. */
  readonly untilStep?: number;
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
  /** Every step's metrics, and at the monitor's steps `knn10Top1`, `knn20Top1`, …, fractions. */
  readonly history: readonly HistoryLine[];
}

const checkpointSeconds = 20; // an interrupt saves at once; a crash costs at most this

/**
 * Trains a run to its end, from where `outputs/` has it; loads it if it is finished there.
 *
 * Stops after the current step when `signal` is aborted, saves, and returns what there is: the same call goes on.
 *
 * @throws {RangeError} If the loss is not finite; the last checkpoint stands.
 */
export async function pretrain(
  config: PretrainConfig,
  { scale, seed, fresh = false, untilStep = Infinity, ...hooks }: PretrainOptions,
): Promise<PretrainResult> {
  const folder = openRun({ config, scale, seed });
  if (fresh) clearRun(folder);
  const recipe = recipeAt(config, scale);
  const data = await loadData(config.data, sizesAt(config, scale));
  const { totalSteps } = runLength(recipe, imageCount(data.pretrain));
  const state = createDinoState(recipe.model, recipe.head, createRng(seed).fork("init"));
  try {
    const done = hasCheckpoint(folder) ? loadDinoState(folder.checkpoint, state) : 0;
    const history = readHistory(folder, done);
    await hooks.onStart?.(history, totalSteps);
    const until = Math.min(untilStep, totalSteps);
    const { monitorEvery } = sizesAt(config, scale);
    const plan = { recipe, data, seed, until, totalSteps, monitorEvery };
    const step = await advance(folder, state, history, done, plan, hooks);
    return {
      run: folder.id,
      scale,
      seed,
      step,
      totalSteps,
      finished: step === totalSteps && !monitorIsDue(history, plan),
      history,
    };
  } finally {
    disposeDinoState(state);
  }
}

interface Plan {
  readonly recipe: DinoRecipe;
  readonly data: DataSplit;
  readonly seed: number;
  readonly until: number;
  readonly totalSteps: number;
  readonly monitorEvery: number;
}

/** Steps on, logs, monitors and saves. @returns The steps done when it stopped. */
async function advance(
  folder: RunFolder,
  state: DinoState,
  history: HistoryLine[],
  done: number,
  plan: Plan,
  { onEvent, signal }: TrainHooks,
): Promise<number> {
  const { recipe, data, seed, until, totalSteps } = plan;
  if (done >= until && !monitorIsDue(history, plan)) return done;
  const rng = createRng(seed);
  using log = openMetricsLog(folder, history);
  let step = done;
  let saved = performance.now();
  const record = (metrics: HistoryLine["metrics"]) => {
    addToHistory(history, { step, metrics });
    log.write({ step, metrics });
  };
  const finishStep = async () => {
    if (monitorIsDue(history, plan)) record(await knnMetrics(state, plan, signal));
    await onEvent?.({ ...history.at(-1)!, totalSteps });
  };
  try {
    if (monitorIsDue(history, plan)) await finishStep(); // it was stopped in the middle of it
    if (step >= until) return step;
    using views = createCropper(data.pretrain, recipe.crops, { rng: rng.fork("crops") });
    for await (const { step: now, ...trained } of trainDino(state, views, recipe, { rng, done })) {
      step = now;
      record(trained);
      await finishStep();
      if (step >= until || signal?.aborted) break;
      if (performance.now() - saved > 1000 * checkpointSeconds) {
        saveDinoState(folder.checkpoint, state, step);
        saved = performance.now();
      }
    }
  } catch (error) {
    if (error !== stoppedMonitor) throw error; // the step stands; its monitor is made up for when the run goes on
  } finally {
    if (step > done) saveDinoState(folder.checkpoint, state, step); // also when a step throws: its state is the one before
  }
  return step;
}

/** Whether the last step is one of the monitor's and has not been measured. */
function monitorIsDue(
  history: readonly HistoryLine[],
  { monitorEvery, totalSteps }: Plan,
): boolean {
  const last = history.at(-1);
  if (last === undefined || "knn20Top1" in last.metrics) return false;
  return last.step % monitorEvery === 0 || last.step === totalSteps;
}

const stoppedMonitor = new Error("stopped in the k-NN monitor");

async function knnMetrics(
  { teacher }: DinoState,
  { data, recipe: { crops } }: Plan,
  signal?: AbortSignal,
): Promise<Record<string, number>> {
  const pause = async () => {
    await new Promise((resolve) => setTimeout(resolve)); // signals are heard between macrotasks
    if (signal?.aborted) throw stoppedMonitor;
  };
  const rows = await knnOfModel(teacher.model, data, crops.stats, pause);
  return Object.fromEntries(rows.map(({ k, top1 }) => [`knn${k}Top1`, top1]));
}
