/**
 * Images as sequences of colours.
 *
 * B images, N positions (row by row), K colours.
 */
import * as tf from "lib/tf.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";

type Sizes = Pick<IGptConfig, "imageSize" | "patchSize">;

/**
 * The colours of the positions: means of squares of pixels.
 *
 * @param x `[B, H, W, 3]`
 * @returns `[B · N, 3]`
 * @throws {RangeError} If images have another size than the network's.
 */
export function positionColours(x: tf.Tensor4D, { imageSize, patchSize }: Sizes): tf.Tensor2D {
  const [, height, width] = x.shape;
  if (height !== imageSize || width !== imageSize) {
    throw new RangeError(
      `Cannot run "igpt" on ${height}×${width} pixels: its table of positions is for ${imageSize} ` +
        "a side, model.imageSize",
    );
  }
  return tf.tidy(() => {
    const small = patchSize === 1 ? x : tf.avgPool(x, patchSize, patchSize, "valid");
    return small.reshape<tf.Tensor2D>([-1, 3]);
  });
}

/**
 * The number of the nearest colour of the palette at each position.
 *
 * @param x `[B, H, W, 3]`
 * @param palette `[K, 3]`
 * @returns `[B, N]`, int32
 * @throws {RangeError} If images have another size than the network's.
 */
export function codesOf(x: tf.Tensor4D, palette: tf.Tensor2D, sizes: Sizes): tf.Tensor2D {
  return tf.tidy(() => {
    const colours = positionColours(x, sizes);
    // ‖a − b‖² is ‖a‖² − 2ab + ‖b‖², and ‖a‖² is the same for the whole palette.
    const distances = palette.square().sum(-1).sub(tf.matMul(colours, palette, false, true).mul(2));
    return distances.argMin(-1).reshape<tf.Tensor2D>([x.shape[0], -1]);
  });
}

/** Added to the scores of attention: each position sees itself and those before it alone. */
export function causalBias(positions: number, numHeads: number): tf.Tensor4D {
  return tf.tidy(() => {
    const seen = tf.linalg.bandPart(tf.ones([positions, positions]), -1, 0);
    return seen.sub(1).mul(1e10).reshape([1, 1, positions, positions]).tile([1, numHeads, 1, 1]);
  });
}
