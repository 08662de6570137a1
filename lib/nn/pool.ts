/** Pooling of NHWC maps, padded as in PyTorch. */
import * as tf from "lib/tf.ts";

export interface MaxPoolOptions {
  /** Pixels per side of a window. */
  readonly size: number;
  /** Pixels from one window to the next. */
  readonly stride: number;
  /** Rows and columns of padding on each side, which are never the largest. */
  readonly padding: number;
}

const lowest = -3.4028234663852886e38; // lowest float32; a WebGPU shader cannot contain −∞

/**
 * The largest value of each window, PyTorch's `nn.MaxPool2d`; the gradient goes to the first of
 * equal values.
 *
 * TensorFlow's `same` would start at another pixel: it pads an even number of rows on the last side
 * only.
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
