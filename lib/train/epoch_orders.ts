/** In which order a run sees its images. */
import type { Rng } from "lib/rng.ts";

/**
 * The images of each step: every epoch in an order of its own, a function of the stream and the
 * step alone.
 *
 * Two orders are kept: the next epoch's is asked for while this one's last batches are.
 *
 * @param rng An epoch's order is drawn from its fork by the epoch's number.
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
