/**
 * Pauses in long computations, so that signals, timers and network requests are handled and the
 * computation can be stopped.
 */
import { setImmediate } from "node:timers";

const interval = 20; // ms between two pauses

/**
 * Creates a pause for {@linkcode drive}. JavaScript receives an interrupt only between two
 * macrotasks.
 *
 * @param what How the message begins: `Stopped the linear probe of start-1234abcd`.
 * @throws {Error} Once `signal` is aborted.
 */
export function interruptible(what: string, signal?: AbortSignal): () => Promise<void> {
  return async () => {
    await new Promise<void>((resolve) => setImmediate(resolve)); // 3 µs; a timer takes 2 ms
    if (signal?.aborted) {
      throw new Error(`Stopped ${what}: nothing of it is kept; the same call begins again`);
    }
  };
}

/**
 * Takes all steps of a computation and pauses between them, at most every 20 ms.
 *
 * @param each Awaited for every step.
 * @returns What the steps return.
 * @throws What a step, `pause` or `each` throws; the computation then frees its tensors.
 */
export async function drive<S, T>(
  steps: Generator<S, T> | AsyncGenerator<S, T>,
  pause: () => Promise<void>,
  each?: (step: S) => void | Promise<void>,
): Promise<T> {
  let paused = performance.now();
  try {
    for (let step = await steps.next();; step = await steps.next()) {
      if (step.done) return step.value;
      await each?.(step.value);
      if (performance.now() - paused < interval) continue;
      await pause();
      paused = performance.now();
    }
  } finally {
    await steps.return(undefined as T);
  }
}
