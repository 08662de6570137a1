/** Shows a run's progress: a bar in a terminal, or a line now and then if the output is a log. */
import { setImmediate } from "node:timers";
import { Presets, SingleBar } from "cli-progress";
import { duration } from "lib/runs/duration.ts";
import type { HistoryLine, TrainEvent, TrainHooks } from "lib/runs/events.ts";
import { originInWords } from "lib/runs/shipped_origin.ts";

const lineEvery = 30_000; // ms

/** Hooks that draw on standard error. */
export interface TerminalProgress extends TrainHooks, Disposable {
  /** Ends the bar and shows the cursor again. It may be called twice. */
  end(): void;
}

/** Options of the bar. Without a terminal, each update is a new line. */
export function barOptions({ terminal }: { readonly terminal: boolean }) {
  const bar = terminal ? "{bar} " : "";
  return {
    format: `{run} ${bar}step {value} of {total} · {signals} · {eta_formatted} left`,
    // For a time that it does not know, the bar gives a word.
    formatTime: (seconds: number | "NULL" | "INF") => duration(Number(seconds)),
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: lineEvery,
    etaBuffer: 500,
    stream: process.stderr,
  };
}

/** Shows progress. @param run Id of the run; each line begins with it. */
export function terminalProgress(run: string): TerminalProgress {
  const bar = new SingleBar(barOptions({ terminal: process.stderr.isTTY }), Presets.shades_grey);
  const signals = new Signals();
  return {
    onShipped: (origin) => console.error(`${run}: ${originInWords([origin])}`),
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

/** Loss, k-NN and speed of the latest steps, as text. */
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

/**
 * The score that the monitor measured: `k-NN 73.0 %`. It is empty at steps without a measurement.
 */
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
