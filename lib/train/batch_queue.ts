/** Batches that are made ahead of time and wait until they are fetched. */

/** How many batches a training loop asks for ahead of the one it trains on; so many may wait. */
export const batchesAhead = 2;

/** Batches in the making, by their step. */
export interface BatchQueue<Making> {
  /**
   * The batch of `step`: the one that was begun ahead of time if its items are the same, else it is
   * begun now. Batches of this and earlier steps that nobody fetched are dropped.
   */
  take(indices: Uint32Array, step: number): Making;
  /**
   * Begins a later batch, unless the queue holds one of this step. The oldest one is dropped where
   * there are too many.
   */
  begin(indices: Uint32Array, step: number): void;
  /** Forgets all batches without a call of `drop`. */
  clear(): void;
}

/**
 * An empty queue.
 *
 * @param begin Starts making a batch. Its own failure must not be unhandled while the batch waits.
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
 * A promise as a batch in the making: a failure is reported to whoever fetches it, and to nobody
 * before.
 */
export function promised<Batch>(batch: Promise<Batch>): Promise<Batch> {
  batch.catch(() => {});
  return batch;
}

function sameNumbers(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
