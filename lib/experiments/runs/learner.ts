/**
 * The interface between a run and what it trains: a self-supervised method, a classifier or a
 * detector.
 */
import type * as tf from "lib/tf.ts";
import type { HistoryLine } from "lib/runs/events.ts";

/** An alarm that is raised. */
export interface Alarm {
  /** Name of the alarm among the metrics of the step; it begins with `alarm`. */
  readonly name: string;
  /** What has happened, and what to try. */
  readonly message: string;
}

/** Something that a run trains. Dispose of it to free its tensors. */
export interface Learner extends Disposable {
  /** Everything that a step changes, by names, to compare it between processes. */
  readonly state?: ReadonlyMap<string, tf.Tensor>;
  /** Images in a step. */
  readonly batchSize: number;
  readonly totalSteps: number;
  /**
   * Trains from step `done` to the end, one step for each value that the caller asks for. Each
   * value has the number of the step, from 1, and its metrics.
   *
   * @param wait Awaits each batch. From its end to the end of the step, the weights are changing
   *   and must not be saved.
   * @param readsAt Asked after each step whose numbers are not read yet, as on a GPU: whether to
   *   read them now. Such steps come after some later ones have been taken; the weights are those
   *   after the last step that it was asked for.
   */
  train(
    done: number,
    wait: <T>(batch: Promise<T>) => Promise<T>,
    readsAt: (step: number) => boolean,
  ): AsyncIterable<{ readonly step: number }>;
  /**
   * Why the run has no monitor, in words; `measure` is never called then. `undefined` if it has
   * one.
   */
  readonly unmonitored?: string;
  /**
   * Measures the network for the monitor: the score of the run (`knn20Top1`) and other metrics;
   * accuracies are fractions.
   *
   * @param pause Awaited several times a second; what it throws ends the measurement.
   */
  measure(pause: () => Promise<void>): Promise<Record<string, number>>;
  /**
   * Takes this process's part in what process 0 measures by `measure`, at the same time. By default,
   * process 0 does everything.
   *
   * @throws {StoppedElsewhereError} If process 0 ends the measurement.
   */
  helpToMeasure?(): Promise<void>;
  /**
   * Takes every line of the log in order, from the beginning of the run. @returns The alarms that
   * are raised at this line.
   */
  alarms(line: HistoryLine): readonly Alarm[];
  /**
   * @returns Nothing if it is done on return, as on a CPU.
   * @throws {Error} If a value is not finite or the disk refuses; an older file at `path` is
   *   untouched.
   */
  save(path: string, step: number): void | Promise<void>;
  /**
   * Writes the network that is evaluated, in half precision, so that its growth can be looked at
   * later. Absent if the run keeps no snapshots.
   *
   * @returns As {@linkcode save}.
   * @throws As {@linkcode save}.
   */
  snapshot?(path: string, step: number): void | Promise<void>;
  /**
   * @returns The number of steps taken. @throws {Error} If the file is damaged or does not fit; the
   *   state is then unchanged.
   */
  load(path: string): number;
}
