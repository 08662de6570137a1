/** The order in which a run sees its images. */
import type { Rng } from "lib/rng.ts";

/**
 * Returns a function that gives the images of a step. Every epoch has its own order, which depends
 * on the stream and the epoch's number alone.
 *
 * Two orders are kept, since batches are prefetched: at the end of an epoch the next epoch's order
 * is needed too.
 *
 * @param rng Its fork with an epoch's number draws the order of that epoch.
 */
export function epochOrders(
  rng: Rng,
  count: number,
  { stepsPerEpoch, batchSize }: { readonly stepsPerEpoch: number; readonly batchSize: number },
): (step: number) => Uint32Array {
  const orders = new Map<number, Uint32Array>();
  return (step) => {
    const epoch = Math.floor(step / stepsPerEpoch);
    const order = orders.get(epoch) ?? rng.fork(epoch).permutation(count);
    orders.set(epoch, order);
    orders.delete(epoch - 2);
    const first = step % stepsPerEpoch * batchSize;
    return order.subarray(first, first + batchSize);
  };
}
