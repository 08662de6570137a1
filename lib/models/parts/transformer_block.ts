/**
 * The residual block that ViT and Swin share: attention, then a perceptron, each normalised before.
 */
import * as tf from "lib/tf.ts";
import type { AttentionParams } from "lib/nn/attention.ts";
import { dropPath, keepFactors } from "lib/nn/drop_path.ts";
import { hasFamily } from "lib/nn/fused.ts";
import { mlp, type MlpParams } from "lib/nn/mlp.ts";
import {
  batchNorm,
  type BatchNormMode,
  type BatchNormParams,
  layerNorm,
  type LayerNormParams,
} from "lib/nn/norms.ts";
import { pointwise, type PointwiseOptions } from "lib/nn/pointwise.ts";
import { type ForwardOptions, keepOutput } from "lib/models/parts/backbone.ts";

export interface TransformerBlockParams {
  readonly norm1: LayerNormParams;
  readonly attn: AttentionParams;
  readonly norm2: LayerNormParams | BatchNormParams;
  readonly mlp: MlpParams;
}

export interface TransformerBlockOptions<T extends tf.Tensor> extends ForwardOptions {
  /** Attention on the normalised tokens; the result has their shape. */
  readonly attention: (x: T) => T;
  /** The rate at which either branch drops; the two are drawn separately. */
  readonly dropPathRate: number;
  /** The eps of both norms. */
  readonly eps: number;
}

/**
 * `y = x + attention(norm1(x))`, then `y + mlp(norm2(y))`.
 *
 * Taps: `norm1`, `attn`, `norm2`, `mlp`.
 *
 * @param x `[B, …, C]`
 * @returns The shape of `x`.
 */
export function transformerBlock<T extends tf.Tensor>(
  x: T,
  block: TransformerBlockParams,
  options: TransformerBlockOptions<T>,
): T {
  const { attention, dropPathRate, eps, training, rng, tap, precision, world } = options;
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const rate = training ? dropPathRate : 0;
    const mixed = attention(see("norm1", layerNorm(x, block.norm1, eps)));
    const y = x.add(dropPath(see("attn", mixed), rate, rng)) as T;
    // In fp32 the branch stays in single layers, whose numbers existing runs have.
    const { norm2 } = block;
    const fuses = precision !== undefined && tap === undefined && hasFamily("pointwise");
    if (fuses && !("running_mean" in norm2)) {
      const keep = keepFactors(y.shape[0]!, rate, rng);
      return fusedBranch(y, { ...block, norm2 }, { keep, eps, precision });
    }
    const normed = see("norm2", normTokens(y, norm2, { training, eps, world }));
    return y.add(dropPath(see("mlp", mlp(normed, block.mlp, precision)), rate, rng)) as T;
  });
}

/** `y + mlp(norm2(y))` by one kernel. */
function fusedBranch<T extends tf.Tensor>(
  y: T,
  { norm2: norm, mlp }: TransformerBlockParams & { readonly norm2: LayerNormParams },
  options: PointwiseOptions,
): T {
  const gamma = tf.ones<tf.Rank.R1>([y.shape.at(-1)!]);
  return pointwise(y, y, { norm, pwconv1: mlp.fc1, pwconv2: mlp.fc2, gamma }, options);
}

/**
 * LayerNorm of each token; if there are running statistics, BatchNorm of each channel over images
 * and tokens.
 */
export function normTokens<T extends tf.Tensor>(
  x: T,
  params: LayerNormParams | BatchNormParams,
  { eps, ...mode }: BatchNormMode & { readonly eps: number },
): T {
  return isLayerNorm(params) ? layerNorm(x, params, eps) : batchNorm(x, params, { ...mode, eps });
}

function isLayerNorm(params: LayerNormParams | BatchNormParams): params is LayerNormParams {
  return !("running_mean" in params);
}
