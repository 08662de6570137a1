/**
 * ConvNeXt (Liu et al. 2022) and BC-SSL, which is ConvNeXt with a bias-free depthwise convolution, a BatchNorm after
 * it, and larger kernels (§3.3, Figure 1). Weight names are those of the official checkpoints.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import {
  type Conv2dParams,
  createConv2d,
  createDepthwiseConv2d,
  depthwiseConv2d,
  type DepthwiseConv2dParams,
  patchConv2d,
} from "lib/nn/conv.ts";
import { keepFactors } from "lib/nn/drop_path.ts";
import { biasGelu } from "lib/nn/gelu.ts";
import { constant } from "lib/nn/init.ts";
import { createLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import {
  type Backbone,
  type BackboneOutput,
  checkKeys,
  dropPathRates,
  type ForwardOptions,
  type Tap,
  tapWithin,
} from "lib/models/model.ts";
import {
  batchNorm,
  type BatchNormParams,
  createBatchNorm,
  createLayerNorm,
  layerNorm,
  type LayerNormParams,
} from "lib/nn/norms.ts";
import { scaledResidual } from "lib/nn/residual.ts";
import { convNeXtConfig } from "lib/models/convnext_configs.ts";
import { convNeXtNames } from "lib/models/convnext_names.ts";

const eps = 1e-6; // of every LayerNorm

/** What is built. Depths and dims have one entry per stage. */
export interface ConvNeXtConfig {
  readonly arch: "convnext";
  readonly depths: readonly number[];
  readonly dims: readonly number[];
  /** Odd; pixels of each stage's own map. One for all stages, or one for each. */
  readonly kernelSize: number | readonly number[];
  /** BC-SSL's BatchNorm after the depthwise convolution; the LayerNorm stays after it. */
  readonly batchNorm: boolean;
  /** The original ConvNeXt has one; both arms of the paper's BatchNorm ablation (Table 2) do without. */
  readonly dwconvBias: boolean;
  /** Pixels a side of the stem's patches. */
  readonly patchSize: number;
  /** Of the last block; earlier blocks rise to it linearly from 0. */
  readonly dropPathRate: number;
  /** First value of layer scale; 0 builds none. */
  readonly layerScaleInit: number;
}

/** Weights of one block. */
export interface ConvNeXtBlockParams {
  readonly dwconv: DepthwiseConv2dParams; // [k, k, C, 1]
  readonly bn?: BatchNormParams; // [C], BC-SSL only
  readonly norm: LayerNormParams; // [C]
  readonly pwconv1: LinearParams; // [C, 4C]
  readonly pwconv2: LinearParams; // [4C, C]
  readonly gamma?: tf.Variable<tf.Rank.R1>; // [C], layer scale
}

/** Weights of the backbone; the classification head is not part of it. */
export interface ConvNeXtParams {
  /** The stem is conv then norm, each later one norm then conv, as in the official file. */
  readonly downsample_layers: readonly [
    readonly [Conv2dParams, LayerNormParams],
    ...(readonly [LayerNormParams, Conv2dParams])[],
  ];
  readonly stages: readonly (readonly ConvNeXtBlockParams[])[];
  readonly norm: LayerNormParams;
}

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths, dims and kernel sizes differ in number, or a kernel size is even.
 */
export function createConvNeXt(config: ConvNeXtConfig, rng: Rng): Backbone {
  checkKeys(config, convNeXtConfig("tiny"));
  const params = createParams(config, rng);
  return {
    params,
    featureDim: config.dims.at(-1)!,
    headName: "head",
    createHead: (classes, stream) => createLinear(config.dims.at(-1)!, classes, stream),
    forward: (x, options) => convNeXt(x, params, config, options),
    officialNames: convNeXtNames,
  };
}

function createParams(config: ConvNeXtConfig, rng: Rng): ConvNeXtParams {
  const { depths, dims, patchSize } = config;
  if (depths.length !== dims.length || depths.length === 0) {
    throw new RangeError(
      `Cannot build stages: need as many depths as dims, current are ${depths.length} and ${dims.length}`,
    );
  }
  const kernels = kernelSizes(config);
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
      Array.from(
        { length: depth },
        (_, j) => createConvNeXtBlock(dims[i]!, kernels[i]!, config, rng.fork(`stages.${i}.${j}`)),
      )
    ),
    norm: createLayerNorm(dims.at(-1)!),
  };
}

function kernelSizes({ kernelSize, depths }: ConvNeXtConfig): readonly number[] {
  if (typeof kernelSize === "number") return depths.map(() => kernelSize);
  if (kernelSize.length === depths.length) return kernelSize;
  throw new RangeError(
    `Cannot build stages: need one kernel size or ${depths.length}, current are ${kernelSize.length}`,
  );
}

/** What {@linkcode createConvNeXtBlock} takes from a network's config. */
export type ConvNeXtBlockConfig = Pick<
  ConvNeXtConfig,
  "batchNorm" | "dwconvBias" | "layerScaleInit"
>;

/** One block's weights, for `dim` channels. */
export function createConvNeXtBlock(
  dim: number,
  kernelSize: number,
  { batchNorm, dwconvBias, layerScaleInit }: ConvNeXtBlockConfig,
  rng: Rng,
): ConvNeXtBlockParams {
  return {
    dwconv: createDepthwiseConv2d(kernelSize, dim, rng.fork("dwconv"), { bias: dwconvBias }),
    ...(batchNorm ? { bn: createBatchNorm(dim) } : {}),
    norm: createLayerNorm(dim),
    pwconv1: createLinear(dim, 4 * dim, rng.fork("pwconv1")),
    pwconv2: createLinear(4 * dim, dim, rng.fork("pwconv2")),
    ...(layerScaleInit > 0 ? { gamma: constant<tf.Rank.R1>([dim], layerScaleInit) } : {}),
  };
}

/**
 * One residual block: depthwise k×k, BatchNorm if it has one, then a two-layer MLP per pixel (Figure 1).
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H, W, C]`
 */
export function convNeXtBlock(
  x: tf.Tensor4D,
  block: ConvNeXtBlockParams,
  { training, rng, dropPathRate, tap }: ForwardOptions & { readonly dropPathRate: number },
): tf.Tensor4D {
  return tf.tidy(() => {
    const { pwconv1, pwconv2 } = block;
    const see = tap ?? keepOutput;
    let y = see("dwconv", depthwiseConv2d(x, block.dwconv)); // [B, H, W, C]
    if (block.bn) y = see("bn", batchNorm(y, block.bn, { training }));
    y = see("norm", layerNorm(y, block.norm, eps));
    let rows = y.reshape<tf.Tensor2D>([-1, x.shape[3]]); // [B·H·W, C]
    rows = biasGelu(linear(rows, { weight: pwconv1.weight }), pwconv1.bias); // [B·H·W, 4C]
    rows = linear(rows, { weight: pwconv2.weight }); // [B·H·W, C]
    const gamma = block.gamma ?? tf.ones<tf.Rank.R1>([x.shape[3]]);
    const keep = keepFactors(x.shape[0], training ? dropPathRate : 0, rng);
    return scaledResidual(x, rows, { bias: pwconv2.bias, gamma, keep });
  });
}

const keepOutput: Tap = (_, output) => output;

/**
 * The whole backbone.
 *
 * @param x `[B, H, W, 3]`, normalised.
 * @throws {RangeError} If the image is too small for the stem and the downsampling between stages.
 */
function convNeXt(
  x: tf.Tensor4D,
  params: ConvNeXtParams,
  config: ConvNeXtConfig,
  { training, rng, tap }: ForwardOptions,
): BackboneOutput {
  const smallest = config.patchSize * 2 ** (config.dims.length - 1);
  if (Math.min(x.shape[1], x.shape[2]) < smallest) {
    throw new RangeError(
      `Cannot downsample ${x.shape[1]}×${x.shape[2]} pixels: this network needs ${smallest} a side`,
    );
  }
  return tf.tidy(() => {
    const rates = dropPathRates(config.depths, config.dropPathRate);
    const see = tap ?? keepOutput;
    const stages: tf.Tensor4D[] = [];
    let y = x;
    params.stages.forEach((blocks, i) => {
      y = see(`downsample_layers.${i}`, downsample(y, params, i));
      blocks.forEach((block, j) => {
        const name = `stages.${i}.${j}`;
        y = see(
          name,
          convNeXtBlock(y, block, {
            training,
            rng: rng?.fork(name),
            dropPathRate: rates[i]![j]!,
            tap: tapWithin(tap, name),
          }),
        );
      });
      stages.push(y = see(`stages.${i}`, y));
    });
    const pooled = y.mean<tf.Tensor2D>([1, 2]); // [B, C]
    return { stages, features: see("norm", layerNorm(pooled, params.norm, eps)) };
  });
}

function downsample(x: tf.Tensor4D, params: ConvNeXtParams, stage: number): tf.Tensor4D {
  if (stage === 0) {
    const [conv, norm] = params.downsample_layers[0];
    return layerNorm(patchConv2d(x, conv), norm, eps);
  }
  const [norm, conv] = params.downsample_layers[stage] as readonly [LayerNormParams, Conv2dParams];
  return patchConv2d(layerNorm(x, norm, eps), conv);
}
