/**
 * Live progress of a long computation: a bar, the rate, the time left, the loss, and the curves, all
 * updated in place.
 */
import { duration } from "lib/runs/duration.ts";
import type { HistoryLine, TrainEvent, TrainHooks } from "lib/runs/events.ts";
import { addToHistory } from "lib/runs/history.ts";
import { originInWords, type ShippedOrigin } from "lib/runs/shipped_origin.ts";
import type { Speed } from "lib/runs/speed_meter.ts";
import { interruption, isInterruption, onInterrupt, tick } from "lib/report/notebook/interrupt.ts";
import { inNotebook, settle, show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { toPng, toSvg } from "lib/report/draw/plot.ts";
import { escapeText } from "lib/report/draw/text.ts";
import { trainingCurves } from "lib/report/figures/training_curves.ts";

const barInterval = 500; // ms between two pictures of the bar
const curvesInterval = 2000; // ms between two pictures of the curves, at least
const curvesShare = 1 / 150; // of a run's time; a picture takes some 20 ms
const rateWindow = 20_000; // ms over which the rate is measured
const slowData = 0.05; // share of waiting for data from which on it is worth a word

/**
 * Runs a long computation, such as `pretrain`, and shows how it goes.
 *
 * The interrupt button asks it to stop after the current step. A run saves itself and the kernel
 * lives, but the cell ends with an error, so that *Run All* ends with it; the same cell goes on
 * from there.
 *
 * @param title Of the display: the network and the seed.
 * @param run Passes the hooks on: `(hooks) => pretrain(config, { scale, seed, ...hooks })`.
 * @returns What `run` returned.
 * @throws {Error} Named `Interrupted`, if it was stopped: says what is saved and how to go on.
 * @throws What `run` throws, after the display says so.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain } from "lib/experiments/mod.ts";
 * import { watch } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const run = await watch(
 *   "BC-SSL, seed 0",
 *   (hooks) => pretrain(bcSslStart, { scale: "smoke", seed: 0, ...hooks }),
 * );
 * assertTrue(run.finished, "16 steps");
 * ```
 */
export async function watch<R>(title: string, run: (hooks: TrainHooks) => Promise<R>): Promise<R> {
  const stop = new AbortController();
  const release = onInterrupt(() => stop.abort());
  const display = new LiveDisplay(title);
  try {
    await display.open();
    const result = await run(hooksFor(display, stop.signal));
    await display.finish(stop.signal.aborted ? "stopped" : "finished");
    if (!stop.signal.aborted) return result;
  } catch (error) {
    const wasStopped = stop.signal.aborted || isInterruption(error); // or a `watch` inside this one was
    await display.finish(wasStopped ? "given up" : "failed");
    if (!stop.signal.aborted || isInterruption(error)) throw error;
    throw interruption((error as Error).message, error);
  } finally {
    release();
  }
  throw interruption(`${title}: saved at ${display.place()}; run the cell again to go on`);
}

/** What a computation tells the display, and the signal that stops it. */
function hooksFor(display: LiveDisplay, signal: AbortSignal): TrainHooks {
  return {
    signal,
    onStart: (past, totalSteps) => display.start(past, totalSteps),
    onEvent: async (event) => {
      display.add(event);
      await tick();
    },
    onWarning: (message) => display.warn(message),
    onShipped: (origin) => display.addShipped(origin),
  };
}

/**
 * How a computation ended: `stopped` if it was asked to and returned, `given up` if it was asked to and
 * threw.
 */
type Ending = "finished" | "stopped" | "given up" | "failed";

/** The two places in the cell's output, and what is drawn there. */
class LiveDisplay {
  readonly #title: string;
  readonly #id: string = crypto.randomUUID();
  readonly #history: HistoryLine[] = [];
  readonly #warnings: string[] = [];
  readonly #shipped: ShippedOrigin[] = [];
  #speed: Speed | undefined;
  readonly #startedAt = performance.now();
  #totalSteps = 0;
  #past = 0; // steps of earlier calls
  #barDrawnAt = 0;
  #curvesDue = 0;
  /** Some moments of the last seconds, oldest first. */
  #recent: { step: number; at: number }[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  async open(): Promise<void> {
    if (inNotebook) await show(this.#bar("starting"), { id: `${this.#id}-bar` });
    if (inNotebook) await show(html("", ""), { id: `${this.#id}-curves` });
  }

  start(past: readonly HistoryLine[], totalSteps: number): void {
    this.#history.push(...past);
    this.#totalSteps = totalSteps;
    this.#past = past.at(-1)?.step ?? 0;
  }

  warn(message: string): void {
    this.#warnings.push(message);
    this.#barDrawnAt = 0; // with the next step
  }

  /** Notes a run that was loaded from those that come with the project. */
  addShipped(origin: ShippedOrigin): void {
    this.#shipped.push(origin);
  }

  add({ step, metrics, totalSteps, speed }: TrainEvent): void {
    addToHistory(this.#history, { step, metrics }, totalSteps);
    this.#totalSteps = totalSteps;
    this.#speed = speed ?? this.#speed;
    const now = performance.now();
    if (now - this.#barDrawnAt > barInterval) {
      this.#barDrawnAt = now;
      this.#recent.push({ step, at: now });
      while (now - this.#recent[0]!.at > rateWindow) this.#recent.shift();
      void this.#update("bar", this.#bar(this.#pace()));
    }
    if (inNotebook && now >= this.#curvesDue && this.#hasCurves()) {
      void this.#update("curves", { "image/svg+xml": this.#curves() });
      const after = performance.now();
      this.#curvesDue = after + Math.max(curvesInterval, (after - now) / curvesShare);
    }
  }

  /** The last state, complete, in the cell's own time. */
  async finish(how: Ending): Promise<void> {
    const bar = this.#bar(this.#summary(how));
    if (!inNotebook) {
      clearLine();
      return await show(bar);
    }
    await this.#update("bar", bar);
    if (this.#hasCurves()) {
      const svg = this.#curves();
      const png = (await toPng(svg, { colours: 16 })).toBase64(); // Lab hides the SVG of a notebook it does not trust
      await this.#update("curves", { "image/svg+xml": svg, "image/png": png });
    }
    await settle(); // here, because a cell that throws does not wait for its output
  }

  async #update(place: "bar" | "curves", bundle: DisplayData): Promise<void> {
    if (inNotebook) await show(bundle, { id: `${this.#id}-${place}`, update: true });
    else if (place === "bar") writeLine(bundle["text/plain"]!);
  }

  /** Some computations report their steps and no metrics. */
  #hasCurves(): boolean {
    return Object.keys(this.#history.at(-1)?.metrics ?? {}).length > 0;
  }

  #curves(): string {
    const run = { history: this.#history };
    return toSvg(trainingCurves([run], { totalSteps: this.#totalSteps }));
  }

  /** `step 1,200 of 3,000` */
  place(): string {
    return `step ${count(this.#step())} of ${count(this.#totalSteps)}`;
  }

  #step(): number {
    return this.#history.at(-1)?.step ?? 0;
  }

  #pace(): string {
    const [first, last] = [this.#recent[0]!, this.#recent.at(-1)!];
    if (last.step === first.step) return "";
    const rate = (last.step - first.step) / (last.at - first.at) * 1000;
    const left = (this.#totalSteps - last.step) / rate;
    const wait = this.#speed?.dataWaitShare ?? 0;
    const waiting = wait > slowData ? ` · ${Math.round(100 * wait)} % waiting for data` : "";
    return `${rate.toPrecision(2)} steps/s · ${duration(left)} left${waiting}`;
  }

  #summary(how: Ending): string {
    const shipped = this.#shipped.length > 0 ? originInWords(this.#shipped) : "";
    const isLoaded = how === "finished" && this.#past === this.#step();
    if (isLoaded && shipped) return shipped;
    return [this.#ending(how), shipped].filter((part) => part !== "").join(" · ");
  }

  #ending(how: Ending): string {
    const [done, total] = [this.#step(), this.#totalSteps];
    const spent = duration((performance.now() - this.#startedAt) / 1000);
    if (how === "failed") return `failed after ${spent}; what was saved stands`;
    if (how === "given up") return `stopped after ${spent}: run the cell again`; // the error says what is kept
    if (how === "stopped") { // also after the last step: its k-NN may be missing
      return `stopped, and saved: run the cell again to go on`;
    }
    if (this.#past === done) return done === total ? "loaded: it was finished" : "loaded";
    const from = this.#past > 0 ? `from step ${count(this.#past)}, ` : "";
    return `${from}${count(done - this.#past)} steps in ${spent}`;
  }

  #bar(note: string): DisplayData {
    const [done, total] = [this.#step(), this.#totalSteps];
    const loss = this.#history.at(-1)?.metrics.loss;
    const parts = [
      total > 0 ? this.place() : "",
      loss === undefined ? "" : `loss ${loss.toFixed(3)}`,
      note,
    ].filter((part) => part !== "");
    const share = total > 0 ? 100 * done / total : 0;
    const text = [`${this.#title}: ${parts.join(" · ")}`, ...this.#warnings].join("\n");
    const warnings = this.#warnings.map((warning) =>
      `<div style="color:#b34a00">${escapeText(warning)}</div>`
    );
    return html(
      `<div style="font-family:sans-serif;font-size:13px;max-width:880px">` +
        `<b>${escapeText(this.#title)}</b> &nbsp;${escapeText(parts.join(" · "))}` +
        `<div style="height:6px;margin-top:4px;background:#e4e4e4;border-radius:3px">` +
        `<div style="width:${
          share.toFixed(1)
        }%;height:6px;background:#0072b2;border-radius:3px"></div>` +
        `</div>${warnings.join("")}</div>`,
      text,
    );
  }
}

/**
 * In a terminal, the bar's text over itself; elsewhere, as in a log, only the last state is
 * printed.
 */
function writeLine(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const { columns } = Deno.consoleSize();
  const line = text.split("\n", 1)[0]!.slice(0, columns - 1);
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
}

function clearLine(): void {
  writeLine("");
}

function html(markup: string, text: string): DisplayData {
  return { "text/html": markup, "text/plain": text };
}

function count(value: number): string {
  return value.toLocaleString("en");
}
