/**
 * The common part of ConvNeXt, BC-SSL and SLaK: the stem, the downsampling between stages, and a
 * block that leaves open how pixels are mixed.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type Conv2dParams, createConv2d, patchConv2d } from "lib/nn/conv.ts";
import { keepFactors } from "lib/nn/drop_path.ts";
import { hasFamily } from "lib/nn/fused.ts";
import { biasGelu } from "lib/nn/gelu.ts";
import { constant } from "lib/nn/init.ts";
import { createLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import {
  type BackboneOutput,
  dropPathRates,
  type ForwardOptions,
  keepOutput,
  type Stage,
  type Tap,
  tapWithin,
  tokensIf,
} from "lib/models/parts/backbone.ts";
import { createLayerNorm, layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import { pointwise } from "lib/nn/pointwise.ts";
import { type BranchEnding, scaledResidual } from "lib/nn/residual.ts";

/** The eps of every LayerNorm. */
export const eps = 1e-6;

/** A block's weights except those that mix pixels. */
export interface PointwiseParams {
  readonly norm: LayerNormParams; // [C]
  readonly pwconv1: LinearParams; // [C, 4C]
  readonly pwconv2: LinearParams; // [4C, C]
  readonly gamma?: tf.Variable<tf.Rank.R1>; // [C], layer scale
}

/**
 * The initial weights of a block except those that mix pixels; `layerScaleInit` 0 builds no layer
 * scale.
 */
export function createPointwise(dim: number, layerScaleInit: number, rng: Rng): PointwiseParams {
  return {
    norm: createLayerNorm(dim),
    pwconv1: createLinear(dim, 4 * dim, rng.fork("pwconv1")),
    pwconv2: createLinear(4 * dim, dim, rng.fork("pwconv2")),
    ...(layerScaleInit > 0 ? { gamma: constant<tf.Rank.R1>([dim], layerScaleInit) } : {}),
  };
}

/** How a block runs. */
export interface BlockOptions extends ForwardOptions {
  readonly dropPathRate: number;
}

/**
 * Mixes the pixels of each channel, `[B, H, W, C]` to the same shape; `see` taps the layers inside.
 */
export type SpatialMixer = (x: tf.Tensor4D, see: Tap) => tf.Tensor4D;

/**
 * One residual block: a mixer of pixels, then a LayerNorm and a two-layer MLP per pixel.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H, W, C]`
 */
export function mixerBlock(
  x: tf.Tensor4D,
  block: PointwiseParams,
  mix: SpatialMixer,
  { training, rng, dropPathRate, tap, precision }: BlockOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const ending = blockEnding(x, block, { training, rng, dropPathRate });
    if (tap === undefined && hasFamily("pointwise")) {
      return pointwise(x, mix(x, see), { ...block, ...ending }, { ...ending, eps, precision });
    }
    const { pwconv1, pwconv2 } = block;
    const y = see("norm", layerNorm(mix(x, see), block.norm, eps)); // [B, H, W, C]
    let rows = y.reshape<tf.Tensor2D>([-1, x.shape[3]]); // [B·H·W, C]
    rows = biasGelu(linear(rows, { weight: pwconv1.weight }, precision), pwconv1.bias); // [B·H·W, 4C]
    rows = linear(rows, { weight: pwconv2.weight }, precision); // [B·H·W, C]
    return scaledResidual(x, rows, { bias: pwconv2.bias, ...ending });
  });
}

/**
 * Layer scale (ones if a block has none) and the factors of stochastic depth, {@linkcode
 * keepFactors}.
 */
export function blockEnding(
  x: tf.Tensor4D,
  { gamma }: Pick<PointwiseParams, "gamma">,
  { training, rng, dropPathRate }: BlockOptions,
): Pick<BranchEnding, "gamma" | "keep"> {
  return {
    gamma: gamma ?? tf.ones<tf.Rank.R1>([x.shape[3]]),
    keep: keepFactors(x.shape[0], training ? dropPathRate : 0, rng),
  };
}

/** The shape of the network. Depths and dims have one entry per stage. */
export interface StagesConfig {
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly dims: readonly number[];
  /** Pixels per side of the stem's patches. */
  readonly patchSize: number;
  /** The rate of the last block; over the blocks before it the rate rises linearly from 0. */
  readonly dropPathRate: number;
}

/** Channels and stride of each stage's output; each stage halves the map of the one before. */
export function stagesOf({ dims, patchSize }: StagesConfig): readonly Stage[] {
  return dims.map((dim, i) => ({ dim, stride: patchSize * 2 ** i }));
}

/** Official name of the last block of each stage. */
export function lastBlocks({ depths }: StagesConfig): string[] {
  return depths.map((depth, stage) => `stages.${stage}.${depth - 1}`);
}

/** Weights of the backbone; the classification head is not part of it. */
export interface StagesParams<Block> {
  /**
   * The first is the stem, conv then norm; the others are norm then conv, as in the official file.
   */
  readonly downsample_layers: readonly [
    readonly [Conv2dParams, LayerNormParams],
    ...(readonly [LayerNormParams, Conv2dParams])[],
  ];
  readonly stages: readonly (readonly Block[])[];
  readonly norm: LayerNormParams;
}

/**
 * The initial weights of a backbone; `createBlock` makes those of each block.
 *
 * @throws {RangeError} If depths and dims differ in number.
 */
export function createStages<Block>(
  { depths, dims, patchSize }: Omit<StagesConfig, "dropPathRate">,
  rng: Rng,
  createBlock: (stage: number, rng: Rng) => Block,
): StagesParams<Block> {
  if (depths.length !== dims.length || depths.length === 0) {
    throw new RangeError(
      `Cannot build stages: need as many depths as dims, current are ${depths.length} and ${dims.length}`,
    );
  }
  const stem = [
    createConv2d(patchSize, 3, dims[0]!, rng.fork("downsample_layers.0.0")),
    createLayerNorm(dims[0]!),
  ] as const;
  const later = dims.slice(1).map((dim, i) =>
    [
      createLayerNorm(dims[i]!),
      createConv2d(2, dims[i]!, dim, rng.fork(`downsample_layers.${i + 1}.1`)),
    ] as const
  );
  return {
    downsample_layers: [stem, ...later],
    stages: depths.map((depth, i) =>
      Array.from({ length: depth }, (_, j) => createBlock(i, rng.fork(`stages.${i}.${j}`)))
    ),
    norm: createLayerNorm(dims.at(-1)!),
  };
}

/**
 * Runs the backbone; `runBlock` runs each block.
 *
 * @param x `[B, H, W, 3]`, normalised.
 * @throws {RangeError} If the image is too small for the stem and the downsampling between stages.
 */
export function runStages<Block>(
  x: tf.Tensor4D,
  params: StagesParams<Block>,
  { depths, dims, patchSize, dropPathRate }: StagesConfig,
  { training, rng, tap, precision, tokens, world }: ForwardOptions,
  runBlock: (x: tf.Tensor4D, block: Block, options: BlockOptions) => tf.Tensor4D,
): BackboneOutput {
  const smallest = patchSize * 2 ** (dims.length - 1);
  if (Math.min(x.shape[1], x.shape[2]) < smallest) {
    throw new RangeError(
      `Cannot downsample ${x.shape[1]}×${x.shape[2]} pixels: this network needs ${smallest} a side`,
    );
  }
  return tf.tidy(() => {
    const rates = dropPathRates(depths, dropPathRate);
    const see = tap ?? keepOutput;
    const stages: tf.Tensor4D[] = [];
    let y = x;
    params.stages.forEach((blocks, i) => {
      y = see(`downsample_layers.${i}`, downsample(y, params, i));
      blocks.forEach((block, j) => {
        const name = `stages.${i}.${j}`;
        const options = {
          training,
          precision,
          world,
          rng: rng?.fork(name),
          dropPathRate: rates[i]![j]!,
          tap: tapWithin(tap, name),
        };
        y = see(name, runBlock(y, block, options));
      });
      stages.push(y = see(`stages.${i}`, y));
    });
    const pooled = y.mean<tf.Tensor2D>([1, 2]); // [B, C]
    const features = see("norm", layerNorm(pooled, params.norm, eps));
    const normedMap = () => layerNorm(y, params.norm, eps);
    return { stages, features, ...tokensIf(tokens, normedMap) };
  });
}

function downsample(
  x: tf.Tensor4D,
  { downsample_layers }: Pick<StagesParams<unknown>, "downsample_layers">,
  stage: number,
): tf.Tensor4D {
  if (stage === 0) {
    const [conv, norm] = downsample_layers[0];
    return layerNorm(patchConv2d(x, conv), norm, eps);
  }
  const [norm, conv] = downsample_layers[stage] as readonly [LayerNormParams, Conv2dParams];
  return patchConv2d(layerNorm(x, norm, eps), conv);
}
