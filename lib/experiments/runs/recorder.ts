/**
 * What a run measures, step by step: in memory, in metrics.jsonl, in TensorBoard's events, and the
 * alarms it raises.
 */
import { type EventFile, openEventFile } from "lib/runs/event_file.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { addToHistory, stays } from "lib/runs/history.ts";
import { type MetricsLog, openMetricsLog, readMetrics } from "lib/runs/metrics_log.ts";
import { speedNames } from "lib/runs/speed_meter.ts";
import type { Learner } from "./learner.ts";
import { metricsPath, type RunFolder } from "./run_folder.ts";

/** A run's metrics so far. */
export interface PastMetrics {
  /** Without the speeds: what another run of the same config has too, to the bit. */
  readonly history: HistoryLine[];
  /** Length of metrics.jsonl up to the end of the last line that counts. */
  readonly bytes: number;
  /** Steps up to the last one that have no line, because the file was damaged. */
  readonly missing: number;
}

/**
 * Reads the metrics of a run up to a step.
 *
 * @param onLine Told of every line, also of those the history does not keep.
 */
export function readPast(
  folder: RunFolder,
  { step, totalSteps }: { readonly step: number; readonly totalSteps: number },
  onLine: (line: HistoryLine) => void = () => {},
): PastMetrics {
  const history: HistoryLine[] = [];
  const { bytes, steps } = readMetrics(metricsPath(folder), step, (line) => {
    onLine(line);
    addToHistory(history, withoutSpeed(line), totalSteps);
  });
  return { history, bytes, missing: step - steps };
}

function withoutSpeed({ step, metrics }: HistoryLine): HistoryLine {
  const kept = { ...metrics };
  for (const name of speedNames) delete kept[name];
  return { step, metrics: kept };
}

export interface RunMetricsOptions {
  readonly learner: Pick<Learner, "alarms">;
  readonly totalSteps: number;
  /** Steps done already. */
  readonly done: number;
  readonly warn: (message: string) => void;
}

/** Opened for writing, from the lines of the steps done on; dispose of it when the run stops. */
export class RunMetrics implements Disposable {
  readonly history: HistoryLine[];
  readonly #totalSteps: number;
  readonly #warn: (message: string) => void;
  readonly #learner: Pick<Learner, "alarms">;
  readonly #log: MetricsLog;
  readonly #events: EventFile;

  /** @throws {Error} If the disk refuses; the message names the file. */
  constructor(folder: RunFolder, { learner, totalSteps, done, warn }: RunMetricsOptions) {
    this.#totalSteps = totalSteps;
    this.#warn = warn;
    this.#learner = learner;
    const past = readPast(folder, { step: done, totalSteps }, (line) => void this.#alarms(line));
    if (past.missing > 0) {
      warn(`${metricsPath(folder)} is damaged: it lacks ${past.missing} of ${done} steps`);
    }
    this.history = past.history;
    this.#log = openMetricsLog(metricsPath(folder), past.bytes);
    this.#events = openEventFile(folder.path, done);
  }

  /**
   * Adds what was measured at a step; the first time a step is named, these are its signals, and
   * alarms may begin.
   */
  record(line: HistoryLine): void {
    const { step } = line;
    const metrics = { ...line.metrics, ...this.#alarms(line) };
    this.#log.write({ step, metrics });
    if (stays({ step, metrics }, this.#totalSteps)) this.#events.write({ step, metrics });
    addToHistory(this.history, withoutSpeed({ step, metrics }), this.#totalSteps);
  }

  /** Names of all alarms so far. */
  alarms(): string[] {
    const names = this.history.flatMap(({ metrics }) => Object.keys(metrics));
    return [...new Set(names.filter((name) => name.startsWith("alarm")))];
  }

  flush(): void {
    this.#log.flush();
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
    this.#events[Symbol.dispose]();
  }

  #alarms(line: HistoryLine): Record<string, number> {
    const begun = this.#learner.alarms(line);
    for (const { message } of begun) this.#warn(`Step ${line.step}: ${message}`);
    return Object.fromEntries(begun.map(({ name }) => [name, 1]));
  }
}
