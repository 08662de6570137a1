/** Signs of collapse of some runs, side by side. */
import type { HistoryLine } from "lib/runs/events.ts";

/** A run with a name. */
export interface NamedRun {
  /** What is different about it: `no centring`. */
  readonly name: string;
  /** Metrics by step, in the order of steps. */
  readonly history: readonly HistoryLine[];
}

const lastSteps = 50; // of a metric that is measured at every step

/**
 * How runs ended, a row for each: loss, teacher's entropy and KL in nats, spread of features and
 * projections, RankMe and k-NN as far as any run measured them, and the alarms that were raised, with
 * their steps. Metrics of every step are means over the last 50.
 */
export function collapseTable(runs: readonly NamedRun[]): Record<string, unknown>[] {
  const rows = runs.map(({ name, history }): Record<string, unknown> => ({
    run: name,
    loss: lastMean(history, "loss"),
    entropy: lastMean(history, "teacherEntropy"),
    KL: lastMean(history, "kl"),
    "feature std": lastMean(history, "featureStd"),
    "projection std": lastMean(history, "projectionStd"),
    RankMe: lastMean(history, "rankMe", 1),
    "k-NN (%)": percent(lastMean(history, "knn20Top1", 1)),
    alarms: alarmsOf(history).join(", ") || "none",
  }));
  const measured = Object.keys(rows[0] ?? {}).filter((key) =>
    rows.some((row) => row[key] !== null)
  );
  return rows.map((row) => Object.fromEntries(measured.map((key) => [key, row[key]])));
}

/** Mean of the last values of a metric, to three digits after the point; `null` if there are none. */
function lastMean(history: readonly HistoryLine[], metric: string, count = lastSteps) {
  const values = history.flatMap(({ metrics }) => metric in metrics ? [metrics[metric]!] : [])
    .slice(-count);
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.round(1000 * mean) / 1000;
}

function percent(fraction: number | null): number | null {
  return fraction === null ? null : Math.round(1000 * fraction) / 10;
}

/** `alarmUniform at step 162` */
function alarmsOf(history: readonly HistoryLine[]): string[] {
  return history.flatMap(({ step, metrics }) =>
    Object.keys(metrics).filter((name) => name.startsWith("alarm"))
      .map((name) => `${name} at step ${step}`)
  );
}
