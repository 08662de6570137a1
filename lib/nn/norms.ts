/**
 * LayerNorm and BatchNorm over the last axis. The gradients are written out: automatic
 * differentiation would make some twenty passes over memory for each.
 */
import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
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
  return scaleAndShift(channels, 1);
}

function scaleAndShift(channels: number, scale: number): LayerNormParams {
  return {
    weight: constant<tf.Rank.R1>([channels], scale),
    bias: constant<tf.Rank.R1>([channels], 0),
  };
}

/**
 * Shift 0, running mean 0, running variance 1.
 *
 * @param options.scaleInit First value of the scale; by default 1.
 */
export function createBatchNorm(
  channels: number,
  { scaleInit = 1 }: { readonly scaleInit?: number } = {},
): BatchNormParams {
  return { ...scaleAndShift(channels, scaleInit), ...createRunningStatistics(channels) };
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
    world = alone,
  }: BatchNormOptions,
): T {
  return tf.tidy(() => {
    const all = "weight" in params ? params : withUnitScale(params);
    if (!training) {
      const { scale, shift } = batchNormAffine(all, eps);
      return affine(x, scale, shift) as T;
    }
    const options = { eps, momentum };
    return world.size > 1
      ? normalizeBatchOfAll(x, all, options, world)
      : normalizeBatch(x, all, options);
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
    value: scaledAndShifted(x, scale, shift),
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

/** Where BatchNorm takes its statistics from. */
export interface BatchNormMode {
  /** True: the batch's, and the running ones move; false: the running ones. */
  readonly training: boolean;
  /** The processes that share the batch. By default, this process alone has all of it. */
  readonly world?: World;
}

export interface BatchNormOptions extends BatchNormMode {
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
  { eps, momentum }: Required<Pick<BatchNormOptions, "eps" | "momentum">>,
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

/** The same over the batches of all processes. */
function normalizeBatchOfAll<T extends tf.Tensor>(
  x: T,
  statistics: Scaled,
  options: Required<Pick<BatchNormOptions, "eps" | "momentum">>,
  world: World,
): T {
  return withGradient("BatchNorm", x, statistics.weight, statistics.bias, (x, w, b) => {
    const [mean, rstd] = momentsOfAll(x, statistics, options, world);
    const scale = rstd.mul(w);
    return [scaledAndShifted(x, scale, b.sub(mean.mul(scale))), mean, rstd];
  }, world);
}

/** A norm with its gradient; `run` gives the result, the mean and 1/√(σ² + eps). */
function withGradient<T extends tf.Tensor>(
  norm: Norm,
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  run: (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => tf.Tensor[],
  world: World = alone,
): T {
  const op = tf.customGrad((...args) => {
    const [x, w, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [y, mean, rstd] = run(x, w, b);
    save([x, mean!, rstd!, w]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const grads = fused(`${norm}Grad`, [dy, ...saved]) ?? backward(norm, dy, saved);
        if (world.size === 1) return grads;
        const [dx, ...ofWeights] = grads as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [inputGradientOfAll([dx, ...saved, ...ofWeights], world), ...ofWeights];
      },
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

// BatchNorm over a batch that several processes share, each with as many images (PyTorch's
// `SyncBatchNorm`). C channels, n values of a channel in one process, W processes.

interface MomentsOptions {
  readonly eps: number;
  readonly momentum: number;
}

/**
 * Mean and 1/√(σ² + eps) of each channel over all processes; moves the running statistics, as
 * `batchNorm` does.
 *
 * The variance is the mean of the processes' variances and the variance of their means: a mean of
 * squares less a squared mean would lose digits.
 *
 * @param x `[…, C]`
 * @returns Both `[C]`
 */
export function momentsOfAll(
  x: tf.Tensor,
  { running_mean, running_var }: RunningStatistics,
  options: MomentsOptions,
  world: World,
): [tf.Tensor, tf.Tensor] {
  const all = world.gather(fused("OwnMoments", [x])?.[0] ?? ownMoments(x)); // [2·W, C]
  const rows = x.size / x.shape.at(-1)!;
  const running = [running_mean, running_var] as const;
  const [mean, rstd, newMean, newVariance] =
    fused("MomentsOfAll", [all, ...running], { ...options, rows }) ??
      merged(all, running, { ...options, rows });
  running_mean.assign(newMean as tf.Tensor1D);
  running_var.assign(newVariance as tf.Tensor1D);
  return [mean!, rstd!];
}

/** Mean and variance of this process's values, `[2, C]`. */
function ownMoments(x: tf.Tensor): tf.Tensor2D {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = x.mean(axes);
  return tf.stack([mean, x.sub(mean).square().mean(axes)]) as tf.Tensor2D;
}

/** Mean, 1/√(σ² + eps) and the new running statistics, from the moments of processes. */
function merged(
  all: tf.Tensor,
  running: readonly [tf.Variable, tf.Variable],
  { eps, momentum, rows }: MomentsOptions & { readonly rows: number },
): tf.Tensor[] {
  const [means, variances] = tf.unstack(byProcess(all), 1) as [tf.Tensor2D, tf.Tensor2D];
  const mean = means.mean(0);
  const variance = variances.add(means.sub(mean).square()).mean(0);
  const count = rows * means.shape[0];
  const now = [mean, variance.mul(count / Math.max(1, count - 1))];
  return [
    mean,
    tf.rsqrt(variance.add(eps)),
    ...running.map((old, i) => old.add(now[i]!.sub(old).mul(momentum))),
  ];
}

/** `[2·W, C]` as `[W, 2, C]`. */
function byProcess(all: tf.Tensor): tf.Tensor3D {
  return all.reshape([-1, 2, all.shape[1]!]);
}

/**
 * The gradient of BatchNorm's input, from the one that a process computes as if its own images were
 * the whole batch.
 *
 * With x̂ = (x − μ) · rstd, a process has `dx = w · rstd · (dy − s − x̂ · t)`, where s and t are its
 * own means of dy and of dy · x̂. They must be the means over all processes; this adds the
 * difference, which is a multiple of x and a constant for each channel.
 *
 * @param tensors The process's dx and x `[…, C]`, μ, rstd, w, and its gradients of w and of the bias,
 *   n · t and n · s: all `[C]`
 * @returns `[…, C]`
 */
export function inputGradientOfAll(tensors: readonly tf.Tensor[], world: World): tf.Tensor {
  const [dweight, dbias] = tensors.slice(-2);
  const all = world.gather(tf.stack([dbias!, dweight!])); // [2·W, C]
  const inputs = [...tensors, all];
  return fused("BatchNormGradOfAll", inputs)?.[0] ?? corrected(inputs);
}

/** What {@linkcode inputGradientOfAll} gives, from its tensors and the sums of all processes. */
function corrected(inputs: readonly tf.Tensor[]): tf.Tensor {
  const [dx, x, mean, rstd, weight, dweight, dbias, all] = inputs as
    & Readonly<Record<number, tf.Tensor>>
    & Iterable<tf.Tensor>;
  const own = tf.stack([dbias!, dweight!]);
  const less = own.sub(byProcess(all!).mean(0)).div(x!.size / mean!.size);
  const [shift, slope] = tf.unstack(less) as [tf.Tensor, tf.Tensor];
  const scale = weight!.mul(rstd!);
  const ofX = scale.mul(rstd!).mul(slope);
  const constant = scale.mul(shift).sub(mean!.mul(ofX));
  return dx!.add(x!.mul(ofX).add(constant));
}

/** `x · scale + shift`, channel by channel, in one pass where there is a kernel. */
function scaledAndShifted(x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor): tf.Tensor {
  return fused("Affine", [x, scale, shift])?.[0] ?? x.mul(scale).add(shift);
}
