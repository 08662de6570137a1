/** Projection and prediction heads for several methods: small MLPs with BatchNorm. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { constant, lecunNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createUniformLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import {
  batchNorm,
  type BatchNormMode,
  type BatchNormParams,
  createBatchNorm,
  type RunningStatistics,
} from "lib/nn/norms.ts";
import { relu } from "lib/nn/relu.ts";

/** A layer that a BatchNorm follows, or the last one, may have no bias. */
export type MlpLinear = Pick<LinearParams, "weight"> & Partial<LinearParams>;

/**
 * The layers of a head: linear, BatchNorm, ReLU, …, linear. `null` stands for a ReLU, so that the
 * layers have the numbers of PyTorch's `Sequential`.
 */
export type MlpHeadParams = readonly (MlpLinear | BatchNormParams | RunningStatistics | null)[];

/** The widths of a head: input, hidden layers, output. */
export type MlpSizes = readonly [number, ...number[]];

/**
 * Creates a head, with Haiku's default initialisation. All layers except the last have a bias, a
 * BatchNorm and a ReLU.
 *
 * @param options.norm False leaves the BatchNorms out.
 */
export function createMlpHead(
  sizes: MlpSizes,
  rng: Rng,
  { norm = true }: { readonly norm?: boolean } = {},
): MlpHeadParams {
  const layers: (MlpLinear | BatchNormParams | null)[] = [];
  for (let i = 1; i < sizes.length; i++) {
    const [from, to] = [sizes[i - 1]!, sizes[i]!];
    const values = lecunNormal<tf.Rank.R2>([from, to], rng.fork(layers.length), from);
    const weight = laidOut("linear", values);
    if (i === sizes.length - 1) layers.push({ weight });
    else {
      layers.push({ weight, bias: constant<tf.Rank.R1>([to], 0) });
      if (norm) layers.push(createBatchNorm(to));
      layers.push(null);
    }
  }
  return layers;
}

/**
 * Creates a head whose linear layers all have a bias, with PyTorch's default initialisation. All
 * layers except the last have a BatchNorm and a ReLU.
 */
export function createBiasedMlpHead(sizes: MlpSizes, rng: Rng): MlpHeadParams {
  return sizes.slice(1).flatMap((to, i) => {
    const layer = createUniformLinear(sizes[i]!, to, rng.fork(3 * i)); // as in `Sequential`
    return i === sizes.length - 2 ? [layer] : [layer, createBatchNorm(to), null];
  });
}

/**
 * Runs a head.
 *
 * @param x `[n, input]`
 * @returns `[n, output]`
 */
export function mlpHead(
  x: tf.Tensor2D,
  layers: MlpHeadParams,
  mode: BatchNormMode,
): tf.Tensor2D {
  return layers.reduce((x, layer) => {
    if (layer === null) return relu(x);
    return "running_mean" in layer ? batchNorm(x, layer, mode) : linear(x, layer);
  }, x);
}

/** Multiply–adds of a head for one vector. */
export function mlpHeadCost(sizes: MlpSizes): number {
  return sizes.slice(1).reduce((sum, to, i) => sum + sizes[i]! * to, 0);
}
