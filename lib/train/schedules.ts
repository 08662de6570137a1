/**
 * Schedules: values that change over a run. They are pure functions of the step, so that a resumed
 * run needs no scheduler state.
 */

export interface CosineOptions {
  readonly base: number;
  readonly final: number;
  readonly totalSteps: number;
  /** Steps of linear warm-up. */
  readonly warmupSteps?: number;
  /** Value at the first step of the warm-up. By default 0. */
  readonly start?: number;
  /**
   * Which step of the warm-up has the value `base`: its last one (DINO's code), or the one after it
   * (BYOL's and SimCLR's code). By default, the last one.
   */
  readonly warmupEnd?: "last" | "after";
}

/**
 * A linear warm-up, then half a cosine from `base` towards `final`, as the reference's
 * `cosine_scheduler` (dino, utils.py).
 *
 * @param step `0 … totalSteps − 1`. As in the reference, the last step does not quite reach
 *   `final`.
 * @throws {RangeError} If the step is outside the schedule.
 */
export function cosineSchedule(step: number, options: CosineOptions): number {
  const { base, final, totalSteps, warmupSteps = 0, start = 0, warmupEnd = "last" } = options;
  if (!(step >= 0 && step < totalSteps)) {
    throw new RangeError(`Cannot schedule step ${step}: the run has ${totalSteps} steps`);
  }
  if (step < warmupSteps) {
    const rises = warmupEnd === "after" ? warmupSteps : Math.max(warmupSteps - 1, 1);
    return start + (base - start) * step / rises;
  }
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  return final + 0.5 * (base - final) * (1 + Math.cos(Math.PI * progress));
}

/**
 * Rises linearly from `start` to `end` over the first `warmupEpochs` and then stays: the schedule
 * of the teacher's temperature.
 *
 * @param epoch Number of complete epochs.
 */
export function linearWarmup(
  epoch: number,
  { start, end, warmupEpochs }: {
    readonly start: number;
    readonly end: number;
    readonly warmupEpochs: number;
  },
): number {
  if (epoch >= warmupEpochs) return end;
  return warmupEpochs === 1 ? start : start + (end - start) * epoch / (warmupEpochs - 1);
}

export interface StepScheduleOptions {
  readonly base: number;
  /** Steps at which the value falls to a tenth. */
  readonly drops: readonly number[];
  /** Steps of linear warm-up, which starts at a thousandth of the value. */
  readonly warmupSteps: number;
}

/**
 * The schedule of detectors: mmcv's `step` policy with its `linear` warm-up.
 *
 * @param step Counts from 0.
 */
export function stepSchedule(
  step: number,
  { base, drops, warmupSteps }: StepScheduleOptions,
): number {
  const value = base * 0.1 ** drops.filter((drop) => step >= drop).length;
  if (step >= warmupSteps) return value;
  return value * (0.001 + 0.999 * step / warmupSteps);
}
