/** What a long computation tells whoever watches it, and how it is asked to stop. Knows no notebook. */
import type { Speed } from "lib/runs/speed_meter.ts";

/** What was measured at one step. Metrics are plain numbers under field names: `loss`, `teacherEntropy`, `knn20Top1`. */
export interface HistoryLine {
  /** Steps done, this one included: from 1. */
  readonly step: number;
  /** Only what was measured at this step; the k-NN appears every few hundred steps. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** One step just taken. */
export interface TrainEvent extends HistoryLine {
  readonly totalSteps: number;
  /** About once a second. */
  readonly speed?: Speed;
}

/** Passed to every verb that takes long. */
export interface TrainHooks {
  /** Called once before the first step, with what the run has behind it: nothing, a part, or all. */
  readonly onStart?: (past: readonly HistoryLine[], totalSteps: number) => void | Promise<void>;
  /** Awaited after every step, so that a display can be drawn and an interrupt be heard. */
  readonly onEvent?: (event: TrainEvent) => void | Promise<void>;
  /**
   * Told, once, what a person should know while the run goes on: a collapse, a damaged checkpoint. By default it is printed.
   */
  readonly onWarning?: (message: string) => void;
  /** When aborted, the run stops after the current step, saves itself and returns what it has. */
  readonly signal?: AbortSignal;
}
