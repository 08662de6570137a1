/**
 * The feature pyramid (Lin et al. 2017): a backbone's maps, with the content of the coarse ones
 * added to the fine ones. Layers and names are torchvision's.
 *
 * B images, H × W map, C channels, D channels of the pyramid.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { conv2d, type Conv2dParams, createConv2d, type Initializer } from "lib/nn/conv.ts";
import { kaimingUniform } from "lib/nn/init.ts";

/** Weights; one entry per map, fine to coarse. */
export interface FpnParams {
  readonly inner_blocks: readonly (readonly [Conv2dParams])[]; // 1×1, C to D
  readonly layer_blocks: readonly (readonly [Conv2dParams])[]; // 3×3, D to D
}

/** Creates weights: uniform in ±√(3 / fan in), biases 0. */
export function createFpn(inDims: readonly number[], dim: number, rng: Rng): FpnParams {
  const init: Initializer = (shape, stream) =>
    kaimingUniform(shape, stream, shape[0] * shape[1] * shape[2] / 3);
  const block = (size: number, inDim: number, name: string) =>
    [createConv2d(size, inDim, dim, rng.fork(name), { init })] as const;
  return {
    inner_blocks: inDims.map((inDim, i) => block(1, inDim, `inner_blocks.${i}`)),
    layer_blocks: inDims.map((_, i) => block(3, dim, `layer_blocks.${i}`)),
  };
}

/**
 * Computes the pyramid.
 *
 * @param stages The backbone's maps, fine to coarse, each `[B, H, W, C]`.
 * @returns Maps of the same sides, and one more with every second pixel of the last, each `[B, H,
 *   W, D]`; the caller owns them.
 */
export function featurePyramid(
  stages: readonly tf.Tensor4D[],
  { inner_blocks, layer_blocks }: FpnParams,
): tf.Tensor4D[] {
  return tf.tidy(() => {
    const levels: tf.Tensor4D[] = [];
    let above: tf.Tensor4D | undefined;
    for (let i = stages.length - 1; i >= 0; i--) {
      const inner = conv2d(stages[i]!, inner_blocks[i]![0]);
      above = above ? inner.add<tf.Tensor4D>(enlarge(above, inner)) : inner;
      levels.unshift(conv2d(above, layer_blocks[i]![0]));
    }
    return [...levels, tf.maxPool(levels.at(-1)!, 1, 2, "valid")];
  });
}

/** Enlarges a map to the sides of `like`, with nearest pixels. */
function enlarge(x: tf.Tensor4D, like: tf.Tensor4D): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [like.shape[1], like.shape[2]]);
}
