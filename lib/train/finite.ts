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

/** {@linkcode firstNonFinite} where numbers cannot be read at once: all are read together. */
export async function firstNonFiniteLater(
  tensors: Iterable<readonly [string, tf.Tensor]>,
): Promise<string | undefined> {
  const all = [...tensors];
  if (all.length === 0) return undefined;
  const flags = tf.tidy(() => tf.stack(all.map(([, tensor]) => allFinite(tensor).toFloat())));
  const values = await flags.data<"float32">().finally(() => flags.dispose());
  return all[values.indexOf(0)]?.[0];
}

/** The largest float32. */
const largest = (2 - 2 ** -23) * 2 ** 127;

/** Whether all values are finite, a boolean on the device. */
export function allFinite(tensor: tf.Tensor): tf.Scalar {
  // No comparison with a NaN is true. 0 · ∞ is no test here: shaders may take it for 0.
  return tf.tidy(() => tensor.abs().lessEqual(largest).all() as tf.Scalar);
}
