/**
 * What a long computation reports while it runs, and how it is asked to stop. Independent of
 * notebooks.
 */
import type { ShippedOrigin } from "./shipped_origin.ts";
import type { Speed } from "./speed_meter.ts";

/** Metrics of one step, plain numbers by name: `loss`, `teacherEntropy`, `knn20Top1`. */
export interface HistoryLine {
  /** Steps done, including this one: from 1. */
  readonly step: number;
  /** Only metrics that were measured at this step; the k-NN appears every few hundred steps. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** One step that was just taken. */
export interface TrainEvent extends HistoryLine {
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Present about once a second. */
  readonly speed?: Speed;
}

/** Hooks that every long-running verb accepts. */
export interface TrainHooks {
  /**
   * Called once before the first step with the history so far: empty, a part, or the whole of a
   * finished run.
   */
  readonly onStart?: (past: readonly HistoryLine[], totalSteps: number) => void | Promise<void>;
  /**
   * Called and awaited after every step, so that a display can be drawn and an interrupt be
   * received.
   */
  readonly onEvent?: (event: TrainEvent) => void | Promise<void>;
  /**
   * Called once for each problem that does not stop the run, such as a collapse or a damaged
   * checkpoint. By default the message is printed.
   */
  readonly onWarning?: (message: string) => void;
  /**
   * Called before `onStart` for each run that is loaded from those that come with the project, with
   * where it was trained.
   */
  readonly onShipped?: (origin: ShippedOrigin) => void;
  /**
   * When it is aborted, the run stops after the current step, saves itself and returns what it has.
   */
  readonly signal?: AbortSignal;
}
