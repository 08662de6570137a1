/**
 * Handles the interrupt button and Ctrl-C. Both send SIGINT; a process without a listener for it
 * ends, and the notebook's variables with it.
 */
import { setImmediate } from "node:timers";

/**
 * Functions that stop what is running. An interrupt calls the last one, which belongs to the
 * innermost computation.
 */
const stops: (() => void)[] = [];
let kernelListens = false;

/**
 * Calls `stop` on each interrupt until the returned function is called.
 *
 * In a script only the first interrupt is caught: a second one ends the process, as a person at a
 * terminal expects.
 */
export function onInterrupt(stop: () => void): () => void {
  stops.push(stop);
  const release = kernelListens ? () => {} : catchOnce(stop);
  return () => {
    release();
    stops.splice(stops.lastIndexOf(stop), 1);
  };
}

function catchOnce(stop: () => void): () => void {
  const listener = () => {
    Deno.removeSignalListener("SIGINT", listener);
    stop();
  };
  Deno.addSignalListener("SIGINT", listener);
  return () => Deno.removeSignalListener("SIGINT", listener);
}

/**
 * Listens for as long as the kernel lives: the button then stops what `watch` runs. During any other
 * cell, which cannot be stopped, it says so, instead of throwing away the notebook's state.
 *
 * Our kernel passes an interrupt on only while a cell runs; another Deno kernel does so at any
 * time.
 */
export function keepAliveOnInterrupt(write: (text: string) => void): void {
  kernelListens = true;
  Deno.addSignalListener("SIGINT", () => {
    if (stops.length > 0) stops.at(-1)!();
    else write(cannotStop);
  });
}

const cannotStop =
  "Interrupted: what runs here cannot stop part-way. Wait for it, or restart the kernel; the cells after it will not run.\n";

/**
 * The error that ends the cell of a stopped run. It has to be an error: only that keeps Jupyter
 * from running the next cells, which would take half a run for a whole one.
 *
 * @param message What is saved, and how to go on. It is all that is shown: a stack would only
 *   frighten.
 */
export function interruption(message: string, cause?: unknown): Error {
  const error = new Error(message, { cause });
  error.name = interrupted;
  error.stack = `${interrupted}: ${message}`;
  return error;
}

const interrupted = "Interrupted";

/** Whether an error is an {@linkcode interruption}. */
export function isInterruption(error: unknown): error is Error {
  return error instanceof Error && error.name === interrupted;
}

/**
 * Lets signals, timers and the network have a turn, which they get only between macrotasks.
 *
 * `setImmediate` takes 3 µs, `setTimeout(0)` 2 ms.
 */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
