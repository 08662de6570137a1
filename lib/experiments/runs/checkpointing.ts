/**
 * When a run's checkpoints are written, which of them stay, and the status that goes with the
 * newest.
 */
import {
  checkpointPath,
  keepAsBest,
  listCheckpoints,
  removeOldCheckpoints,
} from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import type { Learner } from "./learner.ts";
import type { RunMetrics } from "./recorder.ts";
import type { RunFolder } from "./run_folder.ts";
import { readStatus, type ScoreAt, writeStatus } from "./run_status.ts";

const share = 1 / 20; // of a run's time, at most, goes into checkpoints

export interface RunCheckpointsOptions {
  readonly totalSteps: number;
  /** Steps done already, and on disk. */
  readonly done: number;
  /** Between two checkpoints, at least. */
  readonly seconds: number;
  /** The metric that says which checkpoint is the best; larger is better. */
  readonly score: string;
  /** Whether nothing is measured: then a run is finished with its last step. */
  readonly unmonitored: boolean;
}

/** Saves a run's state as it goes. */
export class RunCheckpoints {
  /** Steps of the newest checkpoint. */
  saved: number;
  readonly #folder: RunFolder;
  readonly #learner: Pick<Learner, "save">;
  readonly #metrics: RunMetrics;
  readonly #options: RunCheckpointsOptions;
  readonly #secondsBefore: number;
  readonly #began = performance.now();
  #due: number;

  constructor(
    folder: RunFolder,
    learner: Pick<Learner, "save">,
    metrics: RunMetrics,
    options: RunCheckpointsOptions,
  ) {
    this.#folder = folder;
    this.#learner = learner;
    this.#metrics = metrics;
    this.#options = options;
    this.saved = options.done;
    this.#secondsBefore = options.done > 0 ? readStatus(folder)?.seconds ?? 0 : 0;
    this.#due = this.#began + 1000 * options.seconds;
    // Checkpoints of later steps are damaged, else the run would go on from them.
    for (const { step, path } of listCheckpoints(folder.path)) {
      if (step > options.done) Deno.removeSync(path);
    }
  }

  /** Saves, if the last time is long enough ago. */
  saveIfDue(step: number): void {
    if (performance.now() >= this.#due) this.save(step);
  }

  /**
   * Saves the state after `step` steps, unless it is on disk, and then lets the oldest checkpoint
   * go.
   *
   * @throws {Error} If the disk refuses or a value is not finite; the older checkpoints stand.
   */
  save(step: number): void {
    const from = performance.now();
    if (step > this.saved) {
      this.#metrics.flush();
      this.#learner.save(checkpointPath(this.#folder.path, step), step);
      this.saved = step;
      removeOldCheckpoints(this.#folder.path);
    }
    this.#writeStatus(step);
    const now = performance.now();
    this.#due = now + Math.max(1000 * this.#options.seconds, (now - from) / share);
  }

  /** If the score of `step` is the best of the run, keeps the state after it for good. */
  keepIfBest(step: number): void {
    if (bestOf(this.#metrics.history, this.#options.score)?.step !== step) return;
    this.save(step);
    const { path } = this.#folder;
    if (listCheckpoints(path).some((file) => file.step === step)) keepAsBest(path, step); // else it is the best's own
  }

  #writeStatus(step: number): void {
    const { history } = this.#metrics;
    const { totalSteps, score, unmonitored } = this.#options;
    const last = history.findLast(({ metrics }) => score in metrics);
    writeStatus(this.#folder, {
      step,
      totalSteps,
      finished: step === totalSteps && (unmonitored || last?.step === step),
      ...(unmonitored && { unmonitored }),
      seconds: this.#secondsBefore + (performance.now() - this.#began) / 1000,
      last: scoreAt(score, last),
      best: scoreAt(score, bestOf(history, score)),
      alarms: this.#metrics.alarms(),
      updated: new Date().toISOString(),
    });
  }
}

/** The line where a score is highest; the first one where several are equal. */
function bestOf(history: readonly HistoryLine[], score: string): HistoryLine | undefined {
  const measured = history.filter(({ metrics }) => score in metrics);
  return measured.reduce<HistoryLine | undefined>(
    (best, line) => best === undefined || line.metrics[score]! > best.metrics[score]! ? line : best,
    undefined,
  );
}

function scoreAt(metric: string, line: HistoryLine | undefined): ScoreAt | undefined {
  return line && { metric, value: line.metrics[metric]!, step: line.step };
}
