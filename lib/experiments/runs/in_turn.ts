/** Helpers of the verbs that train several runs, one after the other, each to its end. */
import type { TrainHooks } from "lib/runs/events.ts";
import type { TrainOptions, TrainResult } from "./train_run.ts";

/**
 * Returns a function that does one task after another, and reports each as a step of `totalSteps`.
 */
export function counter(totalSteps: number, { onStart, onEvent }: TrainHooks) {
  let step = 0;
  return async <T>(compute: () => Promise<T>): Promise<T> => {
    if (step === 0) await onStart?.([], totalSteps);
    const result = await compute();
    await onEvent?.({ step: ++step, totalSteps, metrics: {} });
    return result;
  };
}

/** Trains a run. @throws {Error} If it was stopped before its end; it is saved then. */
export async function toItsEnd<Config>(
  train: (config: Config, options: TrainOptions) => Promise<TrainResult>,
  config: Config,
  options: TrainOptions,
): Promise<TrainResult> {
  const result = await train(config, options);
  const { run, finished, step } = result;
  if (finished) return result;
  const before = options.fresh
    ? "; with `fresh` it trains the runs before this one once more, without it loads them"
    : "";
  throw new Error(`Stopped ${run} at step ${step}, saved: the same call goes on${before}`);
}

/** `2 seeds`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
