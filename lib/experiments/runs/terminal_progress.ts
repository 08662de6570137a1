/** A run's progress on a terminal: a bar; in a log, a line now and then. */
import { setImmediate } from "node:timers";
import { Presets, SingleBar } from "cli-progress";
import { duration } from "lib/runs/duration.ts";
import type { HistoryLine, TrainEvent, TrainHooks } from "lib/runs/events.ts";

const lineEvery = 30_000; // ms between two lines of a log

/** Hooks that draw on standard error. */
export interface TerminalProgress extends TrainHooks, Disposable {
  /** Gives the terminal back. Ending twice is fine. */
  end(): void;
}

/** How the bar looks; without a terminal, each line stands by itself. */
export function barOptions({ terminal }: { readonly terminal: boolean }) {
  const bar = terminal ? "{bar} " : "";
  return {
    format: `{run} ${bar}step {value} of {total} · {signals} · {eta_formatted} left`,
    formatTime: (seconds: number | "NULL" | "INF") => duration(Number(seconds)), // it has words for what it does not know
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: lineEvery,
    etaBuffer: 500,
    stream: process.stderr,
  };
}

/** @param run The id of the run, which begins each line. */
export function terminalProgress(run: string): TerminalProgress {
  const bar = new SingleBar(barOptions({ terminal: process.stderr.isTTY }), Presets.shades_grey);
  const signals = new Signals();
  return {
    onStart: (past, totalSteps) => {
      const step = past.at(-1)?.step ?? 0;
      if (step < totalSteps) bar.start(totalSteps, step, { run, signals: "starting" });
    },
    onEvent: async (event) => {
      bar.update(event.step, { run, signals: signals.after(event) });
      await new Promise((resolve) => setImmediate(resolve)); // signals are heard between macrotasks
    },
    onWarning: (message) => console.error(`${bar.isActive ? "\n" : ""}${message}`),
    end: () => bar.stop(),
    [Symbol.dispose]: () => bar.stop(),
  };
}

/** What is worth seeing of the latest steps. */
class Signals {
  #speed = "";
  #score = "";

  after({ metrics, speed }: TrainEvent): string {
    if (speed !== undefined) {
      const wait = Math.round(100 * speed.dataWaitShare);
      this.#speed = `${Math.round(speed.imagesPerSecond)} images/s, ${wait} % waiting for data`;
    }
    this.#score = scoreOf(metrics) || this.#score;
    const loss = metrics.loss === undefined ? "" : `loss ${metrics.loss.toFixed(3)}`;
    return [loss, this.#score, this.#speed].filter((part) => part !== "").join(" · ");
  }
}

/** What the monitor measured: `k-NN 73.0 %`; an empty text at steps without a measurement. */
export function scoreOf(metrics: HistoryLine["metrics"]): string {
  const { knn20Top1, boxAp50, maskAp50 } = metrics;
  if (knn20Top1 !== undefined) return `k-NN ${percent(knn20Top1)}`;
  if (boxAp50 === undefined || maskAp50 === undefined) return "";
  return `AP50 ${percent(boxAp50)} box, ${percent(maskAp50)} mask`;
}

/** `73.0 %` */
function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
