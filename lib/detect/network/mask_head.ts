/**
 * The head that predicts a mask in each region, one per class (He et al. 2017), with torchvision's
 * layers and names.
 *
 * R regions, S × S pixels of a region, D channels, K classes including the background.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { binaryCrossEntropy } from "./losses.ts";
import type { MaskHeadConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { conv2d, type Conv2dParams, createConv2d, type Initializer } from "lib/nn/conv.ts";
import { constant, kaimingNormal, truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { relu } from "lib/nn/relu.ts";

export interface MaskHeadParams {
  readonly mask_head: readonly (readonly [Conv2dParams])[]; // 3×3
  readonly mask_predictor: {
    /** PyTorch's transposed convolution, which turns each pixel into 2 × 2. */
    readonly conv5_mask: {
      readonly weight: tf.Variable<tf.Rank.R4>; // [2, 2, out, in]; [in, out, 2, 2] in PyTorch
      readonly bias: tf.Variable<tf.Rank.R1>; // [out]
    };
    readonly mask_fcn_logits: Conv2dParams; // 1×1, to K
  };
}

/**
 * Creates weights: Gaussian with standard deviation √(2 / fan out), biases 0.
 *
 * Differs: torchvision initialises the last layer in the same way; with few classes its first masks
 * then cost ten times as much as a guess. Ours has detectron2's standard deviation there, 0.001.
 */
export function createMaskHead(
  mapDim: number,
  { dims }: Pick<MaskHeadConfig, "dims">,
  numClasses: number,
  rng: Rng,
): MaskHeadParams {
  const init: Initializer = (shape, stream) =>
    kaimingNormal(shape, stream, shape[0] * shape[1] * shape[3]);
  const dim = dims.at(-1) ?? mapDim;
  const doubling = kaimingNormal<tf.Rank.R4>([2, 2, dim, dim], rng.fork("conv5_mask"), 4 * dim);
  return {
    mask_head: dims.map((outDim, i) => {
      const inDim = i === 0 ? mapDim : dims[i - 1]!;
      return [createConv2d(3, inDim, outDim, rng.fork(`mask_head.${i}`), { init })] as const;
    }),
    mask_predictor: {
      conv5_mask: {
        weight: laidOut("conv", doubling), // its axes are ordered as those of a convolution
        bias: constant<tf.Rank.R1>([dim], 0),
      },
      mask_fcn_logits: createConv2d(1, dim, numClasses, rng.fork("mask_fcn_logits"), {
        init: (shape, stream) => truncNormal(shape, stream, 0.001),
      }),
    },
  };
}

/**
 * Computes the logits of each region's mask.
 *
 * @param regions `[R, S, S, D]`
 * @param labels `[R]`, the class of each.
 * @returns `[R, 2S, 2S]`; the caller owns it.
 */
export function runMaskHead(
  regions: tf.Tensor4D,
  labels: ArrayLike<number>,
  { mask_head, mask_predictor: { conv5_mask, mask_fcn_logits } }: MaskHeadParams,
): tf.Tensor3D {
  const K = mask_fcn_logits.weight.shape[3];
  return tf.tidy(() => {
    const x = mask_head.reduce((x, [conv]) => relu(conv2d(x, conv)), regions);
    const logits = conv2d(relu(double(x, conv5_mask)), mask_fcn_logits); // [R, 2S, 2S, K]
    const oneHot = tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), K);
    return logits.mul(oneHot.reshape([-1, 1, 1, K])).sum<tf.Tensor3D>(3);
  });
}

/**
 * A transposed convolution of 2 × 2 with stride 2, in which no outputs overlap: one matrix product.
 */
function double(
  x: tf.Tensor4D,
  { weight, bias }: MaskHeadParams["mask_predictor"]["conv5_mask"],
): tf.Tensor4D {
  const [R, S, , inDim] = x.shape;
  const outDim = weight.shape[2];
  const pixels = x.reshape<tf.Tensor2D>([R * S * S, inDim]);
  const factors = weight.reshape<tf.Tensor2D>([4 * outDim, inDim]);
  return tf.matMul(pixels, factors, false, true)
    .reshape([R * S, S, 2, 2 * outDim])
    .transpose([0, 2, 1, 3]) // for each row of pixels, the upper output row, then the lower one
    .reshape<tf.Tensor4D>([R, 2 * S, 2 * S, outDim])
    .add(bias);
}

/**
 * Loss of the mask head: mean cross-entropy over all pixels.
 *
 * @param logits `[R, M, M]`
 * @param targets `[R, M, M]`, 0 to 1.
 * @returns In nats; 0 if there is no region of an object.
 */
export function maskLoss(logits: tf.Tensor3D, targets: Float32Array): tf.Scalar {
  return tf.tidy(() => binaryCrossEntropy(logits, tf.tensor3d(targets, logits.shape)));
}
