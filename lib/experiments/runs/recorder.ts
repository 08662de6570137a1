/**
 * Records the metrics of a run, step by step: in memory, in metrics.jsonl and in TensorBoard's
 * events. It also raises the alarms.
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
  /** Metrics without speeds: another run of the same config and seed has the same, to the bit. */
  readonly history: HistoryLine[];
  /** Length of metrics.jsonl up to the end of the last line that was read. */
  readonly bytes: number;
  /** Number of steps, up to the last one, without a line because the file is damaged. */
  readonly missing: number;
}

/**
 * Reads the metrics of a run up to a step.
 *
 * @param onLine Gets every line, also those that the history leaves out.
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
  const others = { ...metrics };
  for (const name of speedNames) delete others[name];
  return { step, metrics: others };
}

export interface RunMetricsOptions {
  readonly learner: Pick<Learner, "alarms">;
  readonly totalSteps: number;
  /** Number of steps done before. */
  readonly done: number;
  readonly warn: (message: string) => void;
}

/**
 * The metrics of a run that is training: reads those of the steps done before, and appends to them.
 * Dispose of it when the run stops.
 */
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
   * Adds metrics of a step. A step can come twice: first with the metrics of training, then with
   * those of the monitor.
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
    const alarms = this.#learner.alarms(line);
    for (const { message } of alarms) this.#warn(`Step ${line.step}: ${message}`);
    return Object.fromEntries(alarms.map(({ name }) => [name, 1]));
  }
}
