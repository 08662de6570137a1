/**
 * A convolution without a bias and the BatchNorm after it, as one layer. For evaluation the two
 * fold into one kernel.
 */
import * as tf from "lib/tf.ts";
import {
  conv2d,
  type Conv2dOptions,
  type Conv2dParams,
  createConv2d,
  createDepthwiseConv2d,
  depthwiseConv2d,
  type DepthwiseConv2dParams,
  type Initializer,
  type KernelSize,
} from "lib/nn/conv.ts";
import {
  batchNorm,
  batchNormAffine,
  type BatchNormMode,
  type BatchNormParams,
  createBatchNorm,
} from "lib/nn/norms.ts";
import { relu } from "lib/nn/relu.ts";
import type { Rng } from "lib/rng.ts";

/** PyTorch's `nn.Sequential` of `conv` and `bn`. */
export interface ConvBnParams {
  readonly conv: Conv2dParams;
  readonly bn: BatchNormParams;
}

/** The same with a depthwise convolution. */
export interface DepthwiseBnParams {
  readonly conv: DepthwiseConv2dParams;
  readonly bn: BatchNormParams;
}

interface ConvBnOptions {
  /** By default `trunc_normal_(std = 0.02)`. */
  readonly init?: Initializer;
  /** First value of the norm's scale; by default 1. */
  readonly scaleInit?: number;
}

/** The initial weights of a dense convolution and its BatchNorm. */
export function createConvBn(
  size: number,
  inDim: number,
  outDim: number,
  rng: Rng,
  { scaleInit, init }: ConvBnOptions = {},
): ConvBnParams {
  const conv = createConv2d(size, inDim, outDim, rng.fork("conv"), { init, bias: false });
  return { conv, bn: createBatchNorm(outDim, { scaleInit }) };
}

/**
 * The initial weights of a depthwise convolution and its BatchNorm.
 *
 * @throws {RangeError} If the kernel has no centre.
 */
export function createDepthwiseBn(
  size: KernelSize,
  channels: number,
  rng: Rng,
  { scaleInit, init }: ConvBnOptions = {},
): DepthwiseBnParams {
  const conv = createDepthwiseConv2d(size, channels, rng.fork("conv"), { init, bias: false });
  return { conv, bn: createBatchNorm(channels, { scaleInit }) };
}

/** How the layer runs; padding is half the kernel. */
export interface ConvBnForwardOptions extends Pick<Conv2dOptions, "stride">, BatchNormMode {}

/** @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, out]` */
export function convBn(
  x: tf.Tensor4D,
  { conv, bn }: ConvBnParams,
  { stride, ...mode }: ConvBnForwardOptions,
): tf.Tensor4D {
  return tf.tidy(() => batchNorm(conv2d(x, conv, { stride }), bn, mode));
}

/** How a convolution, the BatchNorm after it and perhaps a ReLU run. */
export interface NormedConvOptions extends ConvBnForwardOptions, Pick<Conv2dOptions, "precision"> {
  /** Whether negative results become 0. By default, they do not. */
  readonly relu?: boolean;
}

/**
 * A convolution without a bias, the BatchNorm after it, and perhaps a ReLU. In evaluation in bf16
 * they are one kernel, with the norm folded into weights and a bias.
 *
 * @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, out]`
 */
export function normedConv2d(
  x: tf.Tensor4D,
  conv: Conv2dParams,
  bn: BatchNormParams,
  { stride, precision, relu: rectified = false, ...mode }: NormedConvOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    if (precision !== undefined && !mode.training) {
      const { scale, shift } = batchNormAffine(bn);
      const folded = { weight: conv.weight.mul<tf.Tensor4D>(scale), bias: shift };
      return conv2d(x, folded, { stride, precision, relu: rectified });
    }
    const y = batchNorm(conv2d(x, conv, { stride, precision }), bn, mode);
    return rectified ? relu(y) : y;
  });
}

/** @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, C]` */
export function depthwiseBn(
  x: tf.Tensor4D,
  { conv, bn }: DepthwiseBnParams,
  { stride, ...mode }: ConvBnForwardOptions,
): tf.Tensor4D {
  return tf.tidy(() => batchNorm(depthwiseConv2d(x, conv, { stride }), bn, mode));
}

/** A depthwise kernel `[kh, kw, C, 1]` and a bias `[C]`. */
export interface FoldedDepthwise {
  readonly kernel: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/**
 * The layer in evaluation as one convolution: `kernel · γ/σ` and `β − μ · γ/σ`, with the running
 * statistics.
 *
 * @returns Owned by the caller.
 */
export function foldDepthwiseBn({ conv, bn }: DepthwiseBnParams): FoldedDepthwise {
  return tf.tidy(() => {
    const { scale, shift } = batchNormAffine(bn);
    return { kernel: conv.weight.mul<tf.Tensor4D>(scale.reshape([-1, 1])), bias: shift };
  });
}
