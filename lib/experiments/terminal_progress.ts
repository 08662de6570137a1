/** A run's progress on a terminal: a bar; in a log, a line now and then. */
import { setImmediate } from "node:timers";
import { Presets, SingleBar } from "cli-progress";
import type { TrainEvent, TrainHooks } from "lib/train/events.ts";

const lineEvery = 30_000; // ms between two lines of a log

/** Hooks that draw on standard error. */
export interface TerminalProgress extends TrainHooks, Disposable {
  /** Gives the terminal back. Ending twice is fine. */
  end(): void;
}

export function terminalProgress(run: string): TerminalProgress {
  const bar = new SingleBar({
    format: `${run} ${
      process.stderr.isTTY ? "{bar} " : ""
    }step {value} of {total} · {signals} · {eta_formatted} left`,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: lineEvery,
    etaBuffer: 500,
    stream: process.stderr,
  }, Presets.shades_grey);
  const signals = new Signals();
  return {
    onStart: (past, totalSteps) => {
      const step = past.at(-1)?.step ?? 0;
      if (step < totalSteps) bar.start(totalSteps, step, { signals: "starting" });
    },
    onEvent: async (event) => {
      bar.update(event.step, { signals: signals.after(event) });
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
  #knn = "";

  after({ metrics, speed }: TrainEvent): string {
    if (speed !== undefined) {
      const wait = Math.round(100 * speed.dataWaitShare);
      this.#speed = `${Math.round(speed.imagesPerSecond)} images/s, ${wait} % waiting for data`;
    }
    if (metrics.knn20Top1 !== undefined) this.#knn = `k-NN ${percent(metrics.knn20Top1)}`;
    const loss = metrics.loss === undefined ? "" : `loss ${metrics.loss.toFixed(3)}`;
    return [loss, this.#knn, this.#speed].filter((part) => part !== "").join(" · ");
  }
}

/** `73.0 %` */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
