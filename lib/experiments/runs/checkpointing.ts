/**
 * Decides when a run's checkpoints and snapshots are written and which of them stay, and writes the
 * status that belongs to the newest checkpoint.
 */
import {
  checkpointPath,
  keepAsBest,
  listCheckpoints,
  removeOldCheckpoints,
  snapshotPath,
} from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import type { Learner } from "./learner.ts";
import type { RunMetrics } from "./recorder.ts";
import type { RunFolder } from "./run_folder.ts";
import { readStatus, type ScoreAt, writeStatus } from "./run_status.ts";

const share = 1 / 20; // fraction of a run's time that writing checkpoints may take

/**
 * After which shares of a run its network is kept as a snapshot. Most changes early: at laptop scale
 * these are epochs 1, 2, 4 and 8 of 20.
 */
const snapshotShares = [1 / 20, 1 / 10, 1 / 5, 2 / 5];

export interface RunCheckpointsOptions {
  readonly totalSteps: number;
  /** Number of steps that the newest good checkpoint on disk has. */
  readonly done: number;
  /** Least number of seconds between two checkpoints. */
  readonly seconds: number;
  /** The metric that says which checkpoint is the best; larger is better. */
  readonly score: string;
  /**
   * Whether the run has no monitor; it is finished with its last step then, without a measurement.
   */
  readonly unmonitored: boolean;
}

/** Saves the state of a run while it trains. */
export class RunCheckpoints {
  /** Number of steps of the newest checkpoint. */
  saved: number;
  readonly #folder: RunFolder;
  readonly #learner: Pick<Learner, "save" | "snapshot">;
  readonly #metrics: RunMetrics;
  readonly #options: RunCheckpointsOptions;
  readonly #snapshots: ReadonlySet<number>;
  readonly #secondsBefore: number;
  readonly #began = performance.now();
  #due: number;

  constructor(
    folder: RunFolder,
    learner: Pick<Learner, "save" | "snapshot">,
    metrics: RunMetrics,
    options: RunCheckpointsOptions,
  ) {
    this.#folder = folder;
    this.#learner = learner;
    this.#metrics = metrics;
    this.#options = options;
    const { totalSteps } = options;
    const steps = snapshotShares.map((share) => Math.round(share * totalSteps));
    this.#snapshots = new Set(learner.snapshot ? steps : []);
    this.saved = options.done;
    this.#secondsBefore = options.done > 0 ? readStatus(folder)?.seconds ?? 0 : 0;
    this.#due = this.#began + 1000 * options.seconds;
    // Checkpoints of later steps must be damaged: otherwise the run would have resumed from them.
    for (const { step, path } of listCheckpoints(folder.path)) {
      if (step > options.done) Deno.removeSync(path);
    }
  }

  /** Whether the network is kept as it is after this step. */
  keepsSnapshot(step: number): boolean {
    return this.#snapshots.has(step);
  }

  /**
   * Keeps the network as it is after `step` steps, if it is a step for that. It comes before all
   * checkpoints of this step, so that a run which resumes from one has its earlier snapshots.
   *
   * @throws As {@linkcode save}.
   */
  async snapshotIfDue(step: number): Promise<void> {
    if (!this.keepsSnapshot(step)) return;
    await this.#learner.snapshot!(snapshotPath(this.#folder.path, step), step);
  }

  /** Saves if the last checkpoint is old enough. */
  async saveIfDue(step: number): Promise<void> {
    if (performance.now() >= this.#due) await this.save(step);
  }

  /**
   * Saves the state after `step` steps, unless it is on disk already, and then removes the oldest
   * checkpoint.
   *
   * @throws {Error} If the disk refuses or a value is not finite; the older checkpoints stay.
   */
  async save(step: number): Promise<void> {
    const from = performance.now();
    if (step > this.saved) {
      this.#metrics.flush();
      await this.#learner.save(checkpointPath(this.#folder.path, step), step);
      this.saved = step;
      removeOldCheckpoints(this.#folder.path);
    }
    this.#writeStatus(step);
    const now = performance.now();
    this.#due = now + Math.max(1000 * this.#options.seconds, (now - from) / share);
  }

  /**
   * If the score at `step` is the best of the run, keeps the checkpoint of that step as
   * `best.safetensors`.
   */
  async keepIfBest(step: number): Promise<void> {
    if (bestOf(this.#metrics.history, this.#options.score)?.step !== step) return;
    await this.save(step);
    const { path } = this.#folder;
    // Without a numbered file, the run was resumed from best.safetensors: it is this state already.
    if (listCheckpoints(path).some((file) => file.step === step)) keepAsBest(path, step);
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

/** The line with the highest score, the first of them if several are equal. */
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
