/**
 * The loop around the steps of a run, whatever is trained: its length, the order of its data, and
 * what is read ahead.
 */
import type { Rng } from "lib/rng.ts";
import { batchesAhead } from "./batch_queue.ts";
import { epochOrders } from "./epoch_orders.ts";

/** How long a run is. The last batch of an epoch is dropped if it is not full. */
export interface RunLength {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/**
 * The length of a run over `count` items.
 *
 * @param items What they are, for messages.
 * @throws {RangeError} If there are fewer items than one batch, or no epoch to run.
 */
export function runLength(
  { batchSize, epochs }: { readonly batchSize: number; readonly epochs: number },
  count: number,
  items = "images",
): RunLength {
  checkPositiveInteger(batchSize, `in batches of ${JSON.stringify(batchSize)}`);
  const stepsPerEpoch = Math.floor(count / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(
      `Cannot fill a batch of ${batchSize} from ${count} ${items}: lower batchSize or add ${items}`,
    );
  }
  checkPositiveInteger(epochs, `for ${JSON.stringify(epochs)} epochs`);
  return { stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
}

function checkPositiveInteger(value: number, how: string): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Cannot train ${how}: need a whole number of at least 1`);
}

/** Where batches come from: images, pictures with boxes, or whatever is learnt from. */
export interface BatchSource<Batch> {
  /** Items to draw from. */
  readonly count: number;
  /**
   * The batch of the items at `indices`: the prefetched one, if there is one, else it is made now.
   */
  next(indices: Uint32Array, step: number): Promise<Batch>;
  /** Starts on a later batch and returns at once. The same step may be named more than once. */
  prefetch(indices: Uint32Array, step: number): void;
}

export interface LoopOptions {
  readonly length: RunLength;
  readonly batchSize: number;
  /** The run's stream; the orders of the epochs come from its fork `order`. */
  readonly rng: Rng;
  /** Steps taken already. */
  readonly done: number;
  /** Awaits each batch. By default, nothing is done around the wait. */
  readonly wait?: <T>(batch: Promise<T>) => Promise<T>;
}

/**
 * Takes the steps of a run from step `done` to the end, one at a time: a caller that stops asking
 * stops the run.
 *
 * The order of the data is a function of the stream and the step alone, so a run that was stopped
 * goes on with the batches it would have had.
 *
 * @param takeStep Trains on a batch; `step` counts from 0.
 * @returns What `takeStep` returns, with the number of steps taken so far.
 */
export async function* trainingSteps<Batch, Metrics extends object>(
  source: BatchSource<Batch>,
  { length: { stepsPerEpoch, totalSteps }, batchSize, rng, done, wait = (batch) => batch }:
    LoopOptions,
  takeStep: (batch: Batch, step: number) => Metrics,
): AsyncGenerator<{ readonly step: number } & Metrics> {
  const indices = epochOrders(rng.fork("order"), source.count, { stepsPerEpoch, batchSize });
  for (let step = done; step < totalSteps; step++) {
    const batch = await wait(source.next(indices(step), step));
    // A step blocks this thread: with one batch ahead, threads that are done with it would wait for
    // the step to end.
    const last = Math.min(step + batchesAhead, totalSteps - 1);
    for (let later = step + 1; later <= last; later++) source.prefetch(indices(later), later);
    yield { step: step + 1, ...takeStep(batch, step) };
  }
}
