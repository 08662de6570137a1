/** Finds the first tensor with a NaN or an infinity in it. */
import * as tf from "lib/tf.ts";

/**
 * The name of the first tensor with a value that is not finite; `undefined` if there is none. It
 * reads every value, which is slow: use it for error messages only.
 */
export function firstNonFinite(
  tensors: Iterable<readonly [string, tf.Tensor]>,
): string | undefined {
  for (const [name, tensor] of tensors) {
    const probe = tf.tidy(() => tensor.mul(0).sum().dataSync()[0]!); // 0 · ∞ is NaN
    if (Number.isNaN(probe)) return name;
  }
  return undefined;
}
