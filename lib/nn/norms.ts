/**
 * LayerNorm and BatchNorm over the last axis. The gradients are written out: left to the tape, each would be some
 * twenty passes over memory.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";
import { buffer, constant } from "lib/nn/init.ts";
import { movingAverage } from "lib/nn/moving_average.ts";

const defaultEps = 1e-5; // of PyTorch's BatchNorm

/** PyTorch's `nn.LayerNorm` over C channels. */
export interface LayerNormParams {
  readonly weight: tf.Variable<tf.Rank.R1>; // [C]
  readonly bias: tf.Variable<tf.Rank.R1>; // [C]
}

/** PyTorch's `nn.BatchNorm2d`; the running statistics are buffers, under their official names. */
export interface BatchNormParams extends LayerNormParams {
  readonly running_mean: tf.Variable<tf.Rank.R1>; // [C]
  readonly running_var: tf.Variable<tf.Rank.R1>; // [C]
}

/** Scale 1, shift 0. */
export function createLayerNorm(channels: number): LayerNormParams {
  return {
    weight: constant<tf.Rank.R1>([channels], 1),
    bias: constant<tf.Rank.R1>([channels], 0),
  };
}

/** Scale 1, shift 0, running mean 0, running variance 1. */
export function createBatchNorm(channels: number): BatchNormParams {
  return {
    ...createLayerNorm(channels),
    running_mean: buffer<tf.Rank.R1>([channels], 0),
    running_var: buffer<tf.Rank.R1>([channels], 1),
  };
}

/**
 * Normalises each position over its channels (Ba et al. 2016): `(x − μ) / √(σ² + eps) · weight + bias`.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 */
export function layerNorm<T extends tf.Tensor>(x: T, params: LayerNormParams, eps: number): T {
  return tf.tidy(() => normalize("LayerNorm", x, params, eps));
}

/**
 * Normalises each channel over the batch and all positions (Ioffe & Szegedy 2015).
 *
 * Training uses the batch's statistics and moves the running ones, `momentum` of the way, with the unbiased variance,
 * as PyTorch does; evaluation uses the running ones.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  params: BatchNormParams,
  { training, eps = defaultEps, momentum = 0.1 }: BatchNormOptions,
): T {
  return tf.tidy(() => {
    if (!training) {
      const { scale, shift } = batchNormAffine(params, eps);
      return x.mul(scale).add(shift) as T;
    }
    const { running_mean, running_var } = params;
    return normalize("BatchNorm", x, params, eps, (mean, unbiasedVariance) => {
      movingAverage([running_mean, running_var], [mean, unbiasedVariance], 1 - momentum);
    });
  });
}

/**
 * What a BatchNorm does in evaluation, `x · scale + shift` by the running statistics: for folding it into the layer
 * before it.
 *
 * @returns Both `[C]`, owned by the caller.
 */
export function batchNormAffine(
  { weight, bias, running_mean, running_var }: BatchNormParams,
  eps = defaultEps,
): { readonly scale: tf.Tensor1D; readonly shift: tf.Tensor1D } {
  return tf.tidy(() => {
    const scale = weight.mul<tf.Tensor1D>(running_var.add(eps).rsqrt());
    return { scale, shift: bias.sub<tf.Tensor1D>(running_mean.mul(scale)) };
  });
}

export interface BatchNormOptions {
  readonly training: boolean;
  readonly eps?: number;
  /** Fraction of the way to the batch's statistics. */
  readonly momentum?: number;
}

type Norm = "LayerNorm" | "BatchNorm";

/** `(x − μ) / √(σ² + eps) · weight + bias`, with the moments of each position or of each channel. */
function normalize<T extends tf.Tensor>(
  norm: Norm,
  x: T,
  { weight, bias }: LayerNormParams,
  eps: number,
  observe?: (mean: tf.Tensor, unbiasedVariance: tf.Tensor) => void,
): T {
  const op = tf.customGrad((...args) => {
    const [x, w, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [y, mean, rstd, variance] = fused(norm, [x, w, b], { eps }) ??
      forward(norm, x, w, b, eps);
    observe?.(mean!, variance!);
    save([x, mean!, rstd!, w]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        fused(`${norm}Grad`, [dy, ...saved]) ?? backward(norm, dy, saved),
    };
  });
  return op(x, weight, bias) as T;
}

/** The result, mean, 1/√(σ² + eps), and BatchNorm's unbiased variance. */
function forward(norm: Norm, x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, eps: number): tf.Tensor[] {
  const axes = reduced(norm, x);
  const perPosition = norm === "LayerNorm";
  const mean = x.mean(axes, perPosition);
  const centred = x.sub(mean);
  const variance = centred.square().mean(axes, perPosition);
  const rstd = variance.add(eps).rsqrt();
  const y = centred.mul(rstd).mul(w).add(b);
  const count = x.size / mean.size;
  return [y, mean, rstd, variance.mul(count / Math.max(1, count - 1))];
}

/** Gradients of input, weight and bias. */
function backward(norm: Norm, dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, mean, rstd, w] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const axes = reduced(norm, x);
  const xhat = x.sub(mean).mul(rstd);
  const dxhat = dy.mul(w);
  const shift = dxhat.mean(axes, true);
  const slope = dxhat.mul(xhat).mean(axes, true);
  const dx = dxhat.sub(shift).sub(xhat.mul(slope)).mul(rstd);
  const allButLast = reduced("BatchNorm", x);
  return [dx, dy.mul(xhat).sum(allButLast), dy.sum(allButLast)];
}

/** The axes that a norm's moments are taken over. */
function reduced(norm: Norm, x: tf.Tensor): number[] {
  const last = x.rank - 1;
  return norm === "LayerNorm" ? [last] : Array.from({ length: last }, (_, axis) => axis);
}
