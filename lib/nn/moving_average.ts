/**
 * Exponential moving averages of many tensors at once: a network's teacher, BatchNorm's running
 * statistics.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

/**
 * `average ← momentum · average + (1 − momentum) · source`, in place, pair by pair; the shapes of a
 * pair are equal.
 */
export function movingAverage(
  averages: readonly tf.Variable[],
  sources: readonly tf.Tensor[],
  momentum: number,
): void {
  if (averages.length === 0) return;
  tf.tidy(() => {
    const mix = tf.tensor1d([momentum, 1 - momentum]);
    const moved = fused("MovingAverage", [...averages, ...sources, mix]) ??
      averages.map((average, i) => average.mul(momentum).add(sources[i]!.mul(1 - momentum)));
    averages.forEach((average, i) => average.assign(moved[i]!));
  });
}
