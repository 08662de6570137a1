/**
 * LayerNorm and BatchNorm over the last axis. The gradients are written out: left to the tape, each would be some
 * twenty passes over memory.
 */
import * as tf from "lib/tf.ts";
import { buffer, constant } from "lib/nn/init.ts";

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
  return tf.tidy(() => {
    const rows = x.reshape([-1, x.shape.at(-1)!]); // [N, C]
    return normalize(rows, params, 1, eps).reshape(x.shape) as T;
  });
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
  { training, eps = 1e-5, momentum = 0.1 }: BatchNormOptions,
): T {
  return tf.tidy(() => {
    const { weight, bias, running_mean: mean, running_var: variance } = params;
    if (!training) {
      const scale = weight.mul(variance.add(eps).rsqrt());
      return x.mul(scale).add(bias.sub(mean.mul(scale))) as T;
    }
    const rows = x.reshape([-1, x.shape.at(-1)!]); // [N, C]
    const unbiased = rows.shape[0]! / Math.max(1, rows.shape[0]! - 1);
    const y = normalize(rows, params, 0, eps, (batchMean, batchVariance) => {
      mean.assign(mean.add(batchMean.reshape([-1]).sub(mean).mul(momentum)));
      const target = batchVariance.reshape([-1]).mul(unbiased);
      variance.assign(variance.add(target.sub(variance).mul(momentum)));
    });
    return y.reshape(x.shape) as T;
  });
}

export interface BatchNormOptions {
  readonly training: boolean;
  readonly eps?: number;
  /** Fraction of the way to the batch's statistics. */
  readonly momentum?: number;
}

/** `(x − μ) / √(σ² + eps) · weight + bias` on rows `[N, C]`, with the moments taken over `axis`. */
function normalize(
  rows: tf.Tensor,
  { weight, bias }: LayerNormParams,
  axis: 0 | 1,
  eps: number,
  observe?: (mean: tf.Tensor, variance: tf.Tensor) => void,
): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const [x, w, b] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor];
    const mean = x.mean(axis, true);
    const centred = x.sub(mean);
    const variance = centred.square().mean(axis, true);
    observe?.(mean, variance);
    const rstd = variance.add(eps).rsqrt();
    const xhat = centred.mul(rstd);
    (args[3] as unknown as tf.GradSaveFunc)([xhat, rstd, w]);
    return {
      value: xhat.mul(w).add(b),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xhat, rstd, w] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const dyXhat = dy.mul(xhat);
        const dxhat = dy.mul(w);
        const shift = dxhat.mean(axis, true);
        const slope = (axis === 1 ? dyXhat.mul(w) : dyXhat).mean(axis, true);
        const slopeOfXhat = axis === 1 ? slope : slope.mul(w);
        const dx = dxhat.sub(shift).sub(xhat.mul(slopeOfXhat)).mul(rstd);
        return [dx, dyXhat.sum(0), dy.sum(0)];
      },
    };
  });
  return op(rows, weight, bias);
}
