/** The part of a run that takes long: steps, the monitor, and checkpoints on the way. */
import type { HistoryLine, TrainHooks } from "lib/runs/events.ts";
import { faultPoint } from "lib/runs/fault_points.ts";
import { SpeedMeter } from "lib/runs/speed_meter.ts";
import type { Learner } from "./learner.ts";
import { RunCheckpoints } from "./checkpointing.ts";
import { RunMetrics } from "./recorder.ts";
import type { RunFolder } from "./run_folder.ts";

/** From where to where it is trained. Steps count from the run's beginning. */
export interface TrainingPlan {
  readonly done: number;
  readonly until: number;
  readonly totalSteps: number;
  /** Steps between two measurements; `Infinity` for none, not at the end either. */
  readonly monitorEvery: number;
  /** The metric that the monitor must have measured. */
  readonly score: string;
  readonly checkpointSeconds: number;
}

/** Where a run stands. */
export interface Trained {
  readonly step: number;
  readonly history: readonly HistoryLine[];
}

type Hooks = TrainHooks & Required<Pick<TrainHooks, "onWarning">>;

/**
 * Takes the steps of a plan, logs, monitors and saves; stops early when `signal` is aborted.
 *
 * @throws What a step, the disk or a hook throws. The state is saved first, unless a step was under
 *   way: then it is neither that before nor that after it.
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
    if (error !== stoppedMonitor) { // that one's step stands; its monitor is made up for when the run goes on
      training.saveIfWhole();
      throw withWayOut(error, checkpoints.saved);
    }
  }
  try {
    checkpoints.save(training.step);
  } catch (error) {
    throw withWayOut(error, checkpoints.saved);
  }
  return { step: training.step, history: metrics.history };
}

/** Whether the step just taken is to be measured by the monitor and has not been. */
export function monitorIsDue(
  history: readonly HistoryLine[],
  step: number,
  { monitorEvery, totalSteps, score }: Pick<TrainingPlan, "monitorEvery" | "totalSteps" | "score">,
): boolean {
  if (monitorEvery === Infinity) return false;
  if (step === 0 || (step % monitorEvery !== 0 && step !== totalSteps)) return false;
  const last = history.at(-1);
  return !(last?.step === step && score in last.metrics);
}

const stoppedMonitor = new Error("stopped in the monitor");

/** One stretch of training. */
class Training {
  step: number;
  /** Between the batch of a step and its end, the state is in the making. */
  #inStep = false;
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
    const { done, until, totalSteps } = this.#plan;
    await this.#monitorIfDue(); // it was stopped in the middle of it
    this.#checkpoints.keepIfBest(done); // or killed right after it
    if (this.#mustStop()) return;
    const { batchSize } = this.#learner;
    const batch = <T>(made: Promise<T>) => this.#timed(made);
    for await (const { step, ...trained } of this.#learner.train(done, batch)) {
      this.#inStep = false;
      this.step = step;
      const speed = this.#speed.step(batchSize);
      this.#metrics.record({ step, metrics: { ...trained, ...speed } });
      if (await this.#monitorIfDue()) this.#checkpoints.keepIfBest(step);
      await this.#hooks.onEvent?.({ ...this.#metrics.history.at(-1)!, totalSteps, speed });
      if (this.#mustStop() || step >= until) return;
      this.#checkpoints.saveIfDue(step);
    }
  }

  /**
   * Saves what an error leaves behind, if it is a state and the disk takes it: that error is the
   * one to tell of.
   */
  saveIfWhole(): void {
    try {
      if (!this.#inStep) this.#checkpoints.save(this.step);
    } catch { /* the last checkpoint stands */ }
  }

  #mustStop(): boolean {
    return this.step >= this.#plan.until || (this.#hooks.signal?.aborted ?? false);
  }

  async #timed<T>(made: Promise<T>): Promise<T> {
    const batch = await this.#speed.wait(made);
    this.#inStep = true;
    faultPoint("step begun");
    return batch;
  }

  async #monitorIfDue(): Promise<boolean> {
    const { step } = this;
    if (!monitorIsDue(this.#metrics.history, step, this.#plan)) return false;
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

/** Says what a full or read-only disk has cost, and what to do. */
function withWayOut(error: unknown, saved: number): unknown {
  if (!(error instanceof Error && error.message.startsWith("Cannot write "))) return error;
  return new Error(
    `${error.message}; free space and call it again: it goes on from step ${saved}`,
    { cause: error },
  );
}
