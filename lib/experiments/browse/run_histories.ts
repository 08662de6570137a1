/** The metrics of runs in memory, for curves that are drawn again and again while runs train. */
import type { HistoryLine } from "lib/runs/events.ts";
import { addToHistory } from "lib/runs/history.ts";
import { ifThere } from "lib/runs/if_there.ts";
import { metricOf } from "lib/runs/metric_table.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { folderOf, metricsPath } from "lib/experiments/runs/run_folder.ts";
import { shippedRun } from "lib/experiments/runs/shipped.ts";
import type { RunSummary } from "./run_summary.ts";

/** What was read of metrics.jsonl. */
interface Kept {
  readonly history: HistoryLine[];
  /** Bytes that were read. */
  bytes: number;
}

/** Reads histories, each line of a file once: what a run writes later is added. */
export class RunHistories {
  readonly #here = new Map<string, Kept>();
  readonly #shipped = new Map<string, readonly HistoryLine[]>();

  /** The history of a run as of now; empty if it has none. A long one is an even sample. */
  of({ id, origin, totalSteps = 0 }: RunSummary): readonly HistoryLine[] {
    return origin === "shipped" ? this.#ofShipped(id) : this.#ofHere(id, totalSteps);
  }

  #ofShipped(id: string): readonly HistoryLine[] {
    const kept = this.#shipped.get(id) ?? shippedRun(folderOf(id))?.history() ?? [];
    this.#shipped.set(id, kept);
    return kept;
  }

  #ofHere(id: string, totalSteps: number): readonly HistoryLine[] {
    const path = metricsPath(folderOf(id));
    const size = ifThere(() => Deno.statSync(path).size) ?? 0;
    const earlier = this.#here.get(id);
    const kept = earlier && earlier.bytes <= size ? earlier : { history: [], bytes: 0 };
    this.#here.set(id, kept);
    const { history } = kept;
    const add = (line: HistoryLine) => {
      // A run that was resumed from a checkpoint writes the steps behind it again.
      while ((history.at(-1)?.step ?? 0) > line.step) history.pop();
      addToHistory(history, line, totalSteps);
    };
    kept.bytes = readMetrics(path, Infinity, add, kept.bytes).bytes;
    return history;
  }
}

/**
 * The value of a metric that a run is ranked by: of one that is measured now and then, such as a
 * k-NN, the best; of one that every step has, such as the loss, the newest.
 *
 * @returns `undefined` if the run has not measured it.
 */
export function rankedValue(history: readonly HistoryLine[], metric: string): number | undefined {
  const values = history.map(({ metrics }) => metrics[metric]!).filter(Number.isFinite);
  const { when = "every step", better } = metricOf(metric) ?? {};
  if (when === "every step" || values.length === 0) return values.at(-1);
  return better === "lower" ? Math.min(...values) : Math.max(...values);
}
