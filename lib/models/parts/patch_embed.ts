/** The first layer of ViT and Swin: cuts an image into patches and projects each to a token. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type Conv2dParams, createConv2d, patchConv2d } from "lib/nn/conv.ts";
import { kaimingUniform } from "lib/nn/init.ts";

/**
 * Initial weights and biases uniform in ±1/√(3·patchSize²): both references leave this one
 * convolution at PyTorch's default, while all their linear layers start from `trunc_normal_`.
 */
export function createPatchProjection(patchSize: number, dim: number, rng: Rng): Conv2dParams {
  const fanIn = 3 * patchSize ** 2;
  const weights = createConv2d(patchSize, 3, dim, rng, {
    bias: false,
    init: (shape, stream) => kaimingUniform<tf.Rank.R4>(shape, stream, fanIn),
  });
  return { ...weights, bias: kaimingUniform<tf.Rank.R1>([dim], rng.fork("bias"), fanIn) };
}

/**
 * Projects each patch to a token.
 *
 * @param x `[B, H, W, 3]`; rows and columns that fill no patch are dropped.
 * @returns `[B, ⌊H/patchSize⌋, ⌊W/patchSize⌋, C]`
 * @throws {RangeError} If there is not one patch.
 */
export function projectPatches(x: tf.Tensor4D, projection: Conv2dParams): tf.Tensor4D {
  const [side] = projection.weight.shape;
  if (Math.min(x.shape[1], x.shape[2]) < side) {
    throw new RangeError(
      `Cannot cut ${x.shape[1]}×${x.shape[2]} pixels into patches of ${side} a side`,
    );
  }
  return patchConv2d(x, projection);
}
