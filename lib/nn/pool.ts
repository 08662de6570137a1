/** Pooling, NHWC, padded as PyTorch pads. */
import * as tf from "lib/tf.ts";

export interface MaxPoolOptions {
  /** Pixels a side of a window. */
  readonly size: number;
  /** Pixels between two windows. */
  readonly stride: number;
  /** Rows and columns on each side, which never win. */
  readonly padding: number;
}

const lowest = -3.4028234663852886e38; // of float32; WebGPU has no −∞ to write in a shader

/**
 * The largest value of each window, PyTorch's `nn.MaxPool2d`; the gradient goes to the first of equal values.
 *
 * TensorFlow's `same` would start at another pixel: of an even number of rows it pads the last side only.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H', W', C]` with `H' = ⌊(H + 2·padding − size) / stride⌋ + 1`.
 */
export function maxPool(
  x: tf.Tensor4D,
  { size, stride, padding }: MaxPoolOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const sides: [number, number] = [padding, padding];
    const padded = padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]], lowest);
    return tf.maxPool(padded, size, stride, "valid");
  });
}
