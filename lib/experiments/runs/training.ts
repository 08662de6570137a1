/** The long part of a run: its steps, its monitor and its checkpoints. */
import type { HistoryLine, TrainHooks } from "lib/runs/events.ts";
import { faultPoint } from "lib/runs/fault_points.ts";
import { SpeedMeter } from "lib/runs/speed_meter.ts";
import { reasonOf } from "lib/tf.ts";
import { anyOf, numberOfFirst } from "lib/distributed/agree.ts";
import type { World } from "lib/distributed/world.ts";
import type { Learner } from "./learner.ts";
import { RunCheckpoints } from "./checkpointing.ts";
import { RunMetrics } from "./recorder.ts";
import type { RunFolder } from "./run_folder.ts";

/** Which steps to take, counted from the run's beginning, and how often to measure and save. */
export interface TrainingPlan {
  readonly done: number;
  readonly until: number;
  readonly totalSteps: number;
  /**
   * Number of steps between two measurements; `Infinity` for no measurements, not even at the end.
   */
  readonly monitorEvery: number;
  /** Name of the metric by which the monitor scores the run. */
  readonly score: string;
  readonly checkpointSeconds: number;
  /** The processes that take the steps together. */
  readonly world: World;
}

/** How far a run has come. */
export interface Trained {
  readonly step: number;
  readonly history: readonly HistoryLine[];
}

type Hooks = TrainHooks & Required<Pick<TrainHooks, "onWarning">>;

/**
 * Takes the steps of a plan, records metrics, measures and saves. Stops early when `signal` is
 * aborted.
 *
 * @throws What a step, the disk or a hook throws. The state is saved first, unless the error came
 *   in the middle of a step, when the weights may be half updated.
 */
export async function trainOn(
  folder: RunFolder,
  learner: Learner,
  plan: TrainingPlan,
  hooks: Hooks,
): Promise<Trained> {
  const { totalSteps, done, score, checkpointSeconds: seconds } = plan;
  const unmonitored = plan.monitorEvery === Infinity;
  using metrics = new RunMetrics(folder, { learner, totalSteps, done, warn: hooks.onWarning });
  const checkpoints = new RunCheckpoints(folder, learner, metrics, {
    totalSteps,
    done,
    seconds,
    score,
    unmonitored,
  });
  const training = new Training(learner, plan, hooks, metrics, checkpoints);
  try {
    await hooks.onStart?.(metrics.history, totalSteps);
    await training.run();
  } catch (error) {
    // If the monitor was stopped, its step is complete; it is measured when the run is resumed.
    if (error !== stoppedMonitor) {
      await training.saveIfWhole();
      throw withWayOut(await reasonOf(error), checkpoints.saved);
    }
    anyOf(plan.world, true); // the others wait to hear whether to stop
  }
  try {
    await checkpoints.save(training.step);
  } catch (error) {
    throw withWayOut(error, checkpoints.saved);
  }
  return { step: training.step, history: metrics.history };
}

/** Whether the monitor must still measure the step that was just taken. */
export function monitorIsDue(
  history: readonly HistoryLine[],
  step: number,
  { score, ...plan }: Pick<TrainingPlan, "monitorEvery" | "totalSteps" | "score">,
): boolean {
  if (!isMonitored(step, plan)) return false;
  const last = history.at(-1);
  return !(last?.step === step && score in last.metrics);
}

/** Whether the run's monitor measures after a step. */
export function isMonitored(
  step: number,
  { monitorEvery, totalSteps }: Pick<TrainingPlan, "monitorEvery" | "totalSteps">,
): boolean {
  if (monitorEvery === Infinity || step === 0) return false;
  return step % monitorEvery === 0 || step === totalSteps;
}

const stoppedMonitor = new Error("stopped in the monitor");

/** A period of training, in one process. */
class Training {
  step: number;
  /** Whether a step is under way, so that the state must not be saved. */
  #inStep = false;
  /** The last step that was taken and whose numbers were not read with it; 0 if there is none. */
  #taken = 0;
  readonly #speed = new SpeedMeter();
  readonly #learner: Learner;
  readonly #plan: TrainingPlan;
  readonly #hooks: Hooks;
  readonly #metrics: RunMetrics;
  readonly #checkpoints: RunCheckpoints;

  constructor(
    learner: Learner,
    plan: TrainingPlan,
    hooks: Hooks,
    metrics: RunMetrics,
    checkpoints: RunCheckpoints,
  ) {
    this.step = plan.done;
    this.#learner = learner;
    this.#plan = plan;
    this.#hooks = hooks;
    this.#metrics = metrics;
    this.#checkpoints = checkpoints;
  }

  async run(): Promise<void> {
    const { done, totalSteps, world } = this.#plan;
    await this.#monitorIfDue(); // in case the run was stopped during a measurement
    await this.#checkpoints.keepIfBest(done); // in case it was killed right after one
    if (anyOf(world, this.#mustStop())) return;
    const { batchSize } = this.#learner;
    const wait = <T>(batch: Promise<T>) => this.#timed(batch);
    const readsAt = (step: number) => this.#readsAt(step);
    for await (const { step, ...trained } of this.#learner.train(done, wait, readsAt)) {
      const isCurrent = step >= this.#taken; // else the weights are those of a later step
      this.#inStep = !isCurrent;
      if (isCurrent) this.step = step;
      const speed = this.#speed.step(batchSize);
      this.#metrics.record({ step, metrics: { ...trained, ...speed } });
      if (isCurrent) await this.#checkpoints.snapshotIfDue(step);
      if (isCurrent && await this.#monitorIfDue()) await this.#checkpoints.keepIfBest(step);
      await this.#hooks.onEvent?.({ ...this.#metrics.history.at(-1)!, totalSteps, speed });
      if (!isCurrent) continue;
      if (anyOf(world, this.#mustStop())) return;
      await this.#checkpoints.saveIfDue(step);
    }
  }

  /**
   * Saves the state after an error, if no step is under way. If saving fails too, nothing is
   * thrown: the first error is the one to report.
   */
  async saveIfWhole(): Promise<void> {
    try {
      if (!this.#inStep) await this.#checkpoints.save(this.step);
    } catch { /* the last checkpoint stands */ }
  }

  /** Whether the numbers of the steps up to this one, which was just taken, must be read now. */
  #readsAt(step: number): boolean {
    this.#taken = step;
    const { until, totalSteps, monitorEvery, world } = this.#plan;
    if (world.size > 1) return true; // the processes ask each other after every step
    return step >= until || step === totalSteps || step % monitorEvery === 0 ||
      this.#checkpoints.keepsSnapshot(step) || (this.#hooks.signal?.aborted ?? false);
  }

  #mustStop(): boolean {
    return this.step >= this.#plan.until || (this.#hooks.signal?.aborted ?? false);
  }

  async #timed<T>(promise: Promise<T>): Promise<T> {
    const batch = await this.#speed.wait(promise);
    this.#inStep = true;
    faultPoint("step begun");
    return batch;
  }

  async #monitorIfDue(): Promise<boolean> {
    const { step } = this;
    const isDue = monitorIsDue(this.#metrics.history, step, this.#plan);
    // The others know the steps, but not whether this one has been measured before.
    if (isMonitored(step, this.#plan)) numberOfFirst(this.#plan.world, isDue ? 1 : 0);
    if (!isDue) return false;
    this.#metrics.record({ step, metrics: await this.#measure() });
    faultPoint("monitor recorded");
    this.#speed.restart();
    return true;
  }

  async #measure(): Promise<Record<string, number>> {
    return await this.#learner.measure(async () => {
      faultPoint("monitor begun");
      await new Promise((resolve) => setTimeout(resolve)); // signals are heard between macrotasks
      if (this.#hooks.signal?.aborted) throw stoppedMonitor;
    });
  }
}

/**
 * Adds to the error of a full or read-only disk what to do and from which step the run will resume.
 */
function withWayOut(error: unknown, saved: number): unknown {
  if (!(error instanceof Error && error.message.startsWith("Cannot write "))) return error;
  return new Error(
    `${error.message}; free space and call it again: it goes on from step ${saved}`,
    { cause: error },
  );
}
