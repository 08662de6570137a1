/** A run's metrics in memory: every step of a short run, an even sample of a long one. */
import type { HistoryLine } from "lib/runs/events.ts";

/** Lines kept, at most; a curve is drawn from far fewer. Some 15 MB, whatever the length of the run. */
export const historyLimit = 20_000;

/**
 * Appends a line, or adds its metrics to the last one's if that is of the same step: a monitor comes after its step.
 *
 * The newest line is always there. Of those before it, a run of more than {@linkcode historyLimit} steps keeps every n-th, and
 * each with a k-NN or an alarm; which ones depends on their steps alone, so a resumed run has the lines of an uninterrupted one.
 */
export function addToHistory(
  history: HistoryLine[],
  { step, metrics }: HistoryLine,
  totalSteps: number,
): void {
  const last = history.at(-1);
  if (last?.step === step) {
    history[history.length - 1] = { step, metrics: { ...last.metrics, ...metrics } };
  } else if (last !== undefined && !stays(last, totalSteps)) {
    history[history.length - 1] = { step, metrics };
  } else history.push({ step, metrics });
}

/** Whether a line is one of those that stay. */
export function stays({ step, metrics }: HistoryLine, totalSteps: number): boolean {
  const every = Math.ceil(totalSteps / historyLimit);
  return every <= 1 || step % every === 0 || Object.keys(metrics).some((key) => rare.test(key));
}

const rare = /^(knn|alarm)/;
