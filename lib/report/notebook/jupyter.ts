/**
 * The only file that uses `Deno.jupyter`. In a notebook, importing it repairs what Deno's kernel
 * does to output, uncaught errors and the interrupt button. Elsewhere the same functions print, and
 * importing changes nothing.
 */
import { Console } from "node:console";
import {
  type DisplayData,
  type Jupyter,
  Outbox,
  type StreamName,
} from "lib/report/notebook/outbox.ts";
import { keepAliveOnInterrupt } from "lib/report/notebook/interrupt.ts";

const jupyter = findJupyter();
const outbox = jupyter && new Outbox(jupyter);

/** Whether this runs in a notebook's kernel. */
export const inNotebook: boolean = jupyter !== undefined;

if (outbox) {
  redirectConsole(outbox);
  settleBeforeIdle(outbox);
  reportUncaught(outbox);
  keepAliveOnInterrupt((text) => outbox.write("stderr", text));
}

/** Options of {@linkcode show}. */
export interface ShowOptions {
  /** A name for this output, so that a later call with `update` can replace it. */
  readonly id?: string;
  /** Whether to replace what was shown under this `id` before. */
  readonly update?: boolean;
}

/**
 * Shows a bundle in the running cell; outside a notebook prints its `text/plain`, updates excepted.
 *
 * @returns When the bundle has left the kernel, so that it lands in its own cell. Updates are not
 *   waited for.
 */
export async function show(data: DisplayData, options: ShowOptions = {}): Promise<void> {
  if (outbox) {
    outbox.display(data, options);
    if (!options.update) await outbox.settle();
  } else if (!options.update && data["text/plain"]) {
    console.log(data["text/plain"]);
  }
}

/** Prints lines in the running cell; like `console.log`, which importing this makes as safe. */
export async function print(...values: unknown[]): Promise<void> {
  console.log(...values);
  await settle();
}

/**
 * Resolves when everything shown and printed so far has left the kernel. Only for output outside a
 * cell's own time.
 */
export async function settle(): Promise<void> {
  await outbox?.settle();
}

/** Returns nothing outside a notebook, where even `typeof Deno.jupyter` throws. */
function findJupyter(): Jupyter | undefined {
  try {
    return Deno.jupyter as unknown as Jupyter;
  } catch {
    return undefined;
  }
}

/**
 * Replaces the kernel's console, which sends one message for each line and loses those still queued
 * when the cell ends.
 */
function redirectConsole(outbox: Outbox): void {
  // Console uses only `write`; a real Writable would hold back all but the first line of a tick.
  const stream = (name: StreamName) => ({ write: (text: string) => outbox.write(name, text) });
  // deno-lint-ignore no-explicit-any -- not whole streams
  const streams: any = { stdout: stream("stdout"), stderr: stream("stderr"), ignoreErrors: false };
  const replacement = new Console(streams);
  const names = [
    "log",
    "info",
    "debug",
    "warn",
    "error",
    "dir",
    "table",
    "trace",
    "assert",
  ] as const;
  const rest = ["group", "groupEnd", "groupCollapsed", "count", "countReset"] as const;
  const timers = ["time", "timeEnd", "timeLog"] as const;
  for (const name of [...names, ...rest, ...timers]) {
    // deno-lint-ignore no-explicit-any -- both sides are the same method of the same interface
    (console as any)[name] = (replacement as any)[name].bind(replacement);
  }
}

/**
 * The kernel calls `broadcastResult` when a cell's code has ended and before it says "idle": the
 * only place where a cell's end can wait for its output. Internal to Deno: if it is gone, output is
 * only as safe as the kernel makes it, and the tests say so.
 */
function settleBeforeIdle(outbox: Outbox): void {
  type Publish = (count: number, result: unknown) => Promise<void>;
  // deno-lint-ignore no-explicit-any -- not in Deno's types
  const internals = (Deno as any)[(Deno as any).internal]?.jupyter;
  const publish: Publish | undefined = internals?.broadcastResult;
  if (typeof publish !== "function") return;
  internals.broadcastResult = async (count: number, result: unknown) => {
    await outbox.settle();
    await publish(count, result);
    if (result === undefined) return;
    outbox.count();
    await outbox.settle();
  };
}

/**
 * Prints an error that nobody catches, as in a timer. Without this it would stall the kernel for
 * seconds and show nothing.
 */
function reportUncaught(outbox: Outbox): void {
  const report = (event: Event, error: unknown) => {
    event.preventDefault();
    const text = error instanceof Error ? error.stack ?? String(error) : String(error);
    outbox.write("stderr", `Uncaught ${text}\n`);
  };
  addEventListener("error", (event) => report(event, event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => report(event, event.reason));
}
