/** A run's metrics in memory: every step of a short run, an even sample of a long one. */
import type { HistoryLine } from "./events.ts";
import { metricOf } from "./metric_table.ts";

/** Lines kept at most; a curve needs far fewer. They take some 15 MB, however long the run is. */
export const historyLimit = 20_000;

/**
 * Appends a line, or adds its metrics to the last line if that is of the same step: the monitor
 * measures after its step was taken.
 *
 * The newest line is always there. Of the lines before it, a run of more than
 * {@linkcode historyLimit} steps keeps every n-th, and all lines with a metric that is measured
 * only now and then, such as a k-NN or an alarm. Which lines stay depends on their steps alone, so
 * a resumed run has the lines of an uninterrupted one.
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

/** Whether a line stays when a newer one comes. */
export function stays({ step, metrics }: HistoryLine, totalSteps: number): boolean {
  const every = Math.ceil(totalSteps / historyLimit);
  if (every <= 1 || step % every === 0) return true;
  return Object.keys(metrics).some((name) => metricOf(name)?.when === "now and then");
}
