/**
 * LayerNorm and BatchNorm over the last axis. The gradients are written out: automatic
 * differentiation would make some twenty passes over memory for each.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";
import { buffer, constant } from "lib/nn/init.ts";
import { movingAverage } from "lib/nn/moving_average.ts";

/**
 * PyTorch's defaults for BatchNorm; `momentum` is the part of the way to the batch's statistics.
 */
export const batchNormDefaults: Readonly<Record<"eps" | "momentum", number>> = {
  eps: 1e-5,
  momentum: 0.1,
};

/** PyTorch's `nn.LayerNorm` over C channels. */
export interface LayerNormParams {
  readonly weight: tf.Variable<tf.Rank.R1>; // [C]
  readonly bias: tf.Variable<tf.Rank.R1>; // [C]
}

/**
 * The running statistics of a BatchNorm: buffers, under their official names. Alone they are
 * PyTorch's BatchNorm with `affine=False`, which has no scale and no shift.
 */
export interface RunningStatistics {
  readonly running_mean: tf.Variable<tf.Rank.R1>; // [C]
  readonly running_var: tf.Variable<tf.Rank.R1>; // [C]
}

/** PyTorch's `nn.BatchNorm2d`. */
export interface BatchNormParams extends LayerNormParams, RunningStatistics {}

/** Scale 1, shift 0. */
export function createLayerNorm(channels: number): LayerNormParams {
  return {
    weight: constant<tf.Rank.R1>([channels], 1),
    bias: constant<tf.Rank.R1>([channels], 0),
  };
}

/** Scale 1, shift 0, running mean 0, running variance 1. */
export function createBatchNorm(channels: number): BatchNormParams {
  return { ...createLayerNorm(channels), ...createRunningStatistics(channels) };
}

/** Mean 0, variance 1. */
export function createRunningStatistics(channels: number): RunningStatistics {
  return {
    running_mean: buffer<tf.Rank.R1>([channels], 0),
    running_var: buffer<tf.Rank.R1>([channels], 1),
  };
}

/**
 * Normalises each position over its channels (Ba et al. 2016): `(x − μ) / √(σ² + eps) · weight +
 * bias`.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 */
export function layerNorm<T extends tf.Tensor>(x: T, params: LayerNormParams, eps: number): T {
  return tf.tidy(() => normalizeRows(x, params, eps));
}

/**
 * Normalises each channel over the batch and all positions (Ioffe & Szegedy 2015).
 *
 * In training it uses the batch's statistics, and moves the running ones by the part `momentum` of
 * the way to them, with the unbiased variance, as PyTorch does. In evaluation it uses the running
 * ones.
 *
 * @param x `[…, C]`
 * @param params Without weight and bias there is no scale and no shift.
 * @returns `[…, C]`
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  params: BatchNormParams | RunningStatistics,
  {
    training,
    eps = batchNormDefaults.eps,
    momentum = batchNormDefaults.momentum,
  }: BatchNormOptions,
): T {
  return tf.tidy(() => {
    const all = "weight" in params ? params : withUnitScale(params);
    if (!training) {
      const { scale, shift } = batchNormAffine(all, eps);
      return affine(x, scale, shift) as T;
    }
    return normalizeBatch(x, all, eps, momentum);
  });
}

/** What {@linkcode batchNorm} needs; scale and shift may be constants. */
type Scaled = RunningStatistics & Readonly<Record<"weight" | "bias", tf.Tensor1D>>;

/** Scale 1 and shift 0 as constants, freed by the `tidy` around. */
function withUnitScale(statistics: RunningStatistics): Scaled {
  const { shape } = statistics.running_mean;
  return { ...statistics, weight: tf.ones(shape), bias: tf.zeros(shape) };
}

/** `x · scale + shift`, in one pass where there is a kernel. */
const affine = tf.customGrad((...args) => {
  const [x, scale, shift, save] = args as unknown as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.GradSaveFunc,
  ];
  save([x, scale]);
  return {
    value: fused("Affine", [x, scale, shift])?.[0] ?? x.mul(scale).add(shift),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, scale] = saved as [tf.Tensor, tf.Tensor];
      const axes = reduced("BatchNorm", x);
      return [dy.mul(scale), dy.mul(x).sum(axes), dy.sum(axes)];
    },
  };
});

/**
 * A BatchNorm in evaluation as `x · scale + shift`, from the running statistics: for folding it
 * into the layer before.
 *
 * @returns Both `[C]`, owned by the caller.
 */
export function batchNormAffine(
  { weight, bias, running_mean, running_var }: Scaled,
  eps = batchNormDefaults.eps,
): { readonly scale: tf.Tensor1D; readonly shift: tf.Tensor1D } {
  return tf.tidy(() => {
    const scale = weight.mul<tf.Tensor1D>(running_var.add(eps).rsqrt());
    return { scale, shift: bias.sub<tf.Tensor1D>(running_mean.mul(scale)) };
  });
}

export interface BatchNormOptions {
  readonly training: boolean;
  readonly eps?: number;
  /** The part of the way to the batch's statistics. */
  readonly momentum?: number;
}

type Norm = "LayerNorm" | "BatchNorm";

/** `(x − μ) / √(σ² + eps) · weight + bias`, with mean and variance of each position. */
function normalizeRows<T extends tf.Tensor>(x: T, { weight, bias }: LayerNormParams, eps: number) {
  return withGradient("LayerNorm", x, weight, bias, (x, w, b) => {
    return fused("LayerNorm", [x, w, b], { eps }) ?? forward("LayerNorm", x, w, b, eps);
  });
}

/** The same with mean and variance of each channel; moves the running statistics. */
function normalizeBatch<T extends tf.Tensor>(
  x: T,
  { weight, bias, running_mean, running_var }: Scaled,
  eps: number,
  momentum: number,
): T {
  return withGradient("BatchNorm", x, weight, bias, (x, w, b) => {
    const results = fused("BatchNorm", [x, w, b, running_mean, running_var], { eps, momentum });
    if (results) {
      running_mean.assign(results[3] as tf.Tensor1D);
      running_var.assign(results[4] as tf.Tensor1D);
      return results;
    }
    const plain = forward("BatchNorm", x, w, b, eps);
    movingAverage([running_mean, running_var], [plain[1]!, plain[3]!], 1 - momentum);
    return plain;
  });
}

/** A norm with its gradient; `run` gives the result, the mean and 1/√(σ² + eps). */
function withGradient<T extends tf.Tensor>(
  norm: Norm,
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  run: (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => tf.Tensor[],
): T {
  const op = tf.customGrad((...args) => {
    const [x, w, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [y, mean, rstd] = run(x, w, b);
    save([x, mean!, rstd!, w]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        fused(`${norm}Grad`, [dy, ...saved]) ?? backward(norm, dy, saved),
    };
  });
  return op(x, weight, bias) as T;
}

/** The result, the mean, 1/√(σ² + eps), and BatchNorm's unbiased variance. */
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

/** The axes over which a norm takes mean and variance. */
function reduced(norm: Norm, x: tf.Tensor): number[] {
  const last = x.rank - 1;
  return norm === "LayerNorm" ? [last] : Array.from({ length: last }, (_, axis) => axis);
}
