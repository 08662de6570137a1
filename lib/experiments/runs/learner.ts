/** The interface between a run and what is trained in it: a method, a classifier, a detector. */
import type { HistoryLine } from "lib/runs/events.ts";

/** An alarm that begins. */
export interface Alarm {
  /** Its name among a step's metrics, beginning with `alarm`. */
  readonly name: string;
  /** What is seen, and what to try. */
  readonly message: string;
}

/** Dispose of it to free its tensors. */
export interface Learner extends Disposable {
  /** Images a step. */
  readonly batchSize: number;
  readonly totalSteps: number;
  /**
   * Trains from step `done` to the end, a step at a time: stop asking and it stops. What it yields
   * is the step's number, from 1, among its metrics.
   *
   * @param wait Awaits each batch. From the end of this wait to the end of the step, the state is
   *   neither that before the step nor that after it.
   */
  train(
    done: number,
    wait: <T>(batch: Promise<T>) => Promise<T>,
  ): AsyncIterable<{ readonly step: number }>;
  /**
   * Why there is nothing to measure on the way, in words; then `measure` is never called. Without
   * it, there is.
   */
  readonly unmonitored?: string;
  /**
   * What the monitor measures of the network as it is: the run's score (`knn20Top1`) and whatever
   * else, fractions.
   *
   * @param pause Awaited several times a second; what it throws ends the measurement.
   */
  measure(pause: () => Promise<void>): Promise<Record<string, number>>;
  /**
   * Told of every step in order, those of earlier calls first. @returns The alarms that begin
   * there.
   */
  alarms(line: HistoryLine): readonly Alarm[];
  /**
   * @throws {Error} If a value is not finite or the disk refuses; an older file at `path` is
   *   untouched.
   */
  save(path: string, step: number): void;
  /**
   * @returns Steps taken. @throws {Error} If the file is damaged or does not fit; the state is then
   *   unchanged.
   */
  load(path: string): number;
}
