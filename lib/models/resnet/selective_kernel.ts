/**
 * SimCLRv2's changes to a ResNet (Chen et al. 2020b, §4.1), after its TensorFlow code: selective
 * kernels (Li et al. 2019), two of 3×3, and the stem and shortcut of ResNet-D (He et al. 2019).
 *
 * B batch, H W map, F channels of the 3×3 convolutions.
 */
import * as tf from "lib/tf.ts";
import { conv2d, type Conv2dParams } from "lib/nn/conv.ts";
import { batchNorm, type BatchNormMode, type BatchNormParams } from "lib/nn/norms.ts";
import { relu } from "lib/nn/relu.ts";

export interface SelectiveKernelParams {
  readonly conv: Conv2dParams; // [3, 3, F, 2F], both kernels
  readonly bn: BatchNormParams; // [2F]
  readonly attn: {
    readonly fc_reduce: Conv2dParams; // [1, 1, F, max(F/16, 32)]
    readonly bn: BatchNormParams;
    readonly fc_select: Conv2dParams; // [1, 1, max(F/16, 32), 2F]
  };
}

interface ConvOptions extends BatchNormMode {
  readonly stride: number;
}

/**
 * Two convolutions, mixed channel by channel with shares that depend on the whole image.
 *
 * @param x `[B, H, W, F]`
 * @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, F]`
 */
export function selectiveKernel(
  x: tf.Tensor4D,
  { conv, bn, attn }: SelectiveKernelParams,
  { stride, ...mode }: ConvOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const both = relu(batchNorm(conv2d(x, conv, { stride }), bn, mode));
    const [first, second] = tf.split(both, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    const image = first.add(second).mean<tf.Tensor4D>([1, 2], true); // [B, 1, 1, F]
    const reduced = relu(batchNorm(conv2d(image, attn.fc_reduce), attn.bn, mode));
    const [toFirst, toSecond] = tf.split(conv2d(reduced, attn.fc_select), 2, 3);
    const share = tf.sigmoid(toFirst!.sub(toSecond!)); // a softmax over two
    return second.add(first.sub(second).mul(share));
  });
}

/**
 * A stem of three 3×3 convolutions instead of one of 7×7; the norm after the last is the network's
 * `bn1`.
 */
export interface DeepStemParams {
  readonly 0: Conv2dParams; // [3, 3, 3, F/2]
  readonly 1: BatchNormParams;
  readonly 3: Conv2dParams; // [3, 3, F/2, F/2]
  readonly 4: BatchNormParams;
  readonly 6: Conv2dParams; // [3, 3, F/2, F]
}

/** @returns `[B, ⌈H/2⌉, ⌈W/2⌉, F]` */
export function deepStem(
  x: tf.Tensor4D,
  stem: DeepStemParams,
  mode: BatchNormMode,
): tf.Tensor4D {
  return tf.tidy(() => {
    let y = relu(batchNorm(conv2d(x, stem[0], { stride: 2 }), stem[1], mode));
    y = relu(batchNorm(conv2d(y, stem[3]), stem[4], mode));
    return conv2d(y, stem[6]);
  });
}

/**
 * The mean of 2×2 pixels before a shortcut's convolution. At stride 2 a missing last row counts as
 * zeros; at stride 1 it is left out of the mean, which is the same as repeating the last row.
 *
 * @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, C]`
 */
export function shortcutPool(x: tf.Tensor4D, stride: 1 | 2): tf.Tensor4D {
  return tf.tidy(() => {
    if (stride === 2) {
      return tf.avgPool(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), 2, 2, "valid");
    }
    const [batch, height, width, channels] = x.shape;
    const wider = tf.concat([x, x.slice([0, 0, width - 1, 0], [batch, height, 1, channels])], 2);
    const lastRow = wider.slice([0, height - 1, 0, 0], [batch, 1, width + 1, channels]);
    return tf.avgPool(tf.concat([wider, lastRow], 1), 2, 1, "valid");
  });
}
