/** Batches that are made ahead of time and wait until they are fetched. */

/** How many batches a training loop asks for ahead of time, and so how many may wait in a queue. */
export const batchesAhead = 2;

/** Batches in the making, by their step. */
export interface BatchQueue<Making> {
  /**
   * Takes the batch of `step` out of the queue. If none with the same items was begun ahead of
   * time, it is begun now. Batches of earlier steps, and one of this step with other items, are
   * dropped.
   */
  take(indices: Uint32Array, step: number): Making;
  /**
   * Begins a later batch, unless the queue holds one of this step. If the queue then holds too many
   * batches, the oldest is dropped.
   */
  begin(indices: Uint32Array, step: number): void;
  /** Forgets all batches without a call of `drop`. */
  clear(): void;
}

/**
 * Creates an empty queue.
 *
 * @param begin Starts to make a batch. If it fails while the batch waits, that must not be an
 *   unhandled rejection: see {@linkcode promised}.
 * @param drop Called for a batch that nobody will fetch.
 */
export function batchQueue<Making>(
  begin: (indices: Uint32Array, step: number) => Making,
  drop: (making: Making) => void = () => {},
): BatchQueue<Making> {
  const waiting = new Map<number, { readonly indices: Uint32Array; readonly making: Making }>();
  const remove = (step: number) => {
    const { making } = waiting.get(step)!;
    waiting.delete(step);
    drop(making);
  };
  return {
    take(indices, step) {
      const early = waiting.get(step);
      const ready = early && sameNumbers(early.indices, indices) ? early : undefined;
      if (ready) waiting.delete(step);
      for (const other of waiting.keys()) if (other <= step) remove(other);
      return ready ? ready.making : begin(indices, step);
    },
    begin(indices, step) {
      if (waiting.has(step)) return;
      waiting.set(step, { indices: indices.slice(), making: begin(indices, step) });
      if (waiting.size > batchesAhead) remove(Math.min(...waiting.keys()));
    },
    clear: () => waiting.clear(),
  };
}

/**
 * Prepares a promise to wait in a queue: if it fails, only the code that awaits it learns of it.
 * Otherwise Deno would end the process for an unhandled rejection.
 */
export function promised<Batch>(batch: Promise<Batch>): Promise<Batch> {
  batch.catch(() => {});
  return batch;
}

function sameNumbers(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
