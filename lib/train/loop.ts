/**
 * The training loop, the same for every kind of training: the length of a run, the order of its
 * data, and how many batches are made ahead of time.
 */
import type { Rng } from "lib/rng.ts";
import { batchesAhead } from "./batch_queue.ts";
import { epochOrders } from "./epoch_orders.ts";
import { isPending, type Pending, pendingMap, readTogether, type Taken } from "./reading.ts";

/** How long a run is. The last batch of an epoch is dropped if it is not full. */
export interface RunLength {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/**
 * The length of a run over `count` items.
 *
 * @param items What the items are called in messages.
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

/** Makes batches of the items of a data set: of images, or of pictures with boxes. */
export interface BatchSource<Batch> {
  /** Number of items in the data set. */
  readonly count: number;
  /** The batch of the items at `indices`. It is made now unless it was prefetched. */
  next(indices: Uint32Array, step: number): Promise<Batch>;
  /**
   * Starts to make a later batch, and returns at once. It may be called again for the same step.
   */
  prefetch(indices: Uint32Array, step: number): void;
}

export interface LoopOptions {
  readonly length: RunLength;
  readonly batchSize: number;
  /** The run's random stream; the orders of the epochs come from its fork `order`. */
  readonly rng: Rng;
  /** Steps taken already. */
  readonly done: number;
  /** Awaits each batch, for instance to measure the wait. By default it only awaits. */
  readonly wait?: <T>(batch: Promise<T>) => Promise<T>;
  /**
   * Asked after each step whose numbers are not read yet: whether to read now. They are read every
   * ten steps and at the end of the run in any case.
   */
  readonly readsAt?: (step: number) => boolean;
}

/**
 * Takes the steps of a run from step `done` to the end, one for each value that the caller asks
 * for. A caller that stops asking stops the run.
 *
 * The order of the data depends on the stream and the step alone. So a run that was stopped and is
 * resumed sees the same batches as one that was never stopped.
 *
 * Where steps do not read their numbers, several are taken before the first of them is yielded, and
 * then one after another. The state is that after the step for which `readsAt` was asked last.
 *
 * @param takeStep Trains on a batch; `step` counts from 0.
 * @returns What `takeStep` returns, with the number of steps taken so far.
 */
export function trainingSteps<Batch, Metrics extends object>(
  source: BatchSource<Batch>,
  options: LoopOptions,
  takeStep: TakeStep<Batch, Metrics>,
): AsyncGenerator<{ readonly step: number } & Metrics> {
  return readTogether(takenSteps(source, options, takeStep));
}

type TakeStep<Batch, Metrics> = (
  batch: Batch,
  step: number,
) => Metrics | Pending<Metrics> | Promise<Pending<Metrics>>;

async function* takenSteps<Batch, Metrics extends object>(
  source: BatchSource<Batch>,
  { length: { stepsPerEpoch, totalSteps }, batchSize, rng, done, ...options }: LoopOptions,
  takeStep: TakeStep<Batch, Metrics>,
): AsyncGenerator<Taken<{ readonly step: number } & Metrics>> {
  const { wait = (batch) => batch, readsAt = () => false } = options;
  const indices = epochOrders(rng.fork("order"), source.count, { stepsPerEpoch, batchSize });
  for (let step = done; step < totalSteps; step++) {
    const batch = await wait(source.next(indices(step), step));
    // A step blocks this thread. With only one batch ahead, the threads that make batches would
    // finish it during the step and then wait for the step to end.
    const last = Math.min(step + batchesAhead, totalSteps - 1);
    for (let later = step + 1; later <= last; later++) source.prefetch(indices(later), later);
    const taken = takeStep(batch, step);
    const count = step + 1;
    if (taken instanceof Promise || isPending(taken)) {
      const numbers = pendingMap(await taken, (metrics) => ({ step: count, ...metrics }));
      yield { numbers, isDue: readsAt(count) || count === totalSteps };
    } else yield { numbers: { step: count, ...taken }, isDue: true };
  }
}
