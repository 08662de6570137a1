/**
 * Swin (Liu et al. 2021): attention within windows, which every second block shifts. This is
 * EsViT's definition, which takes images of any size and which the paper compares with (Tables 1, 3
 * and 5). Weight names are those of the official checkpoints.
 *
 * Where EsViT differs from the official Swin: maps are padded with zeros to whole windows, and to
 * even sides before they are merged, where the official code refuses them; every LayerNorm's eps is
 * 1e-6 instead of 1e-5 (`normEps`). timm pads after rolling, EsViT and mmdetection before, so timm
 * agrees on sizes that need no padding only.
 *
 * With `normBeforeMlp: "bn"` it is MoBY's Swin with BatchNorms before its perceptrons.
 *
 * Differs: EsViT takes square images only.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type AttentionParams, createAttention, selfAttention } from "lib/nn/attention.ts";
import type { Conv2dParams } from "lib/nn/conv.ts";
import { truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createLinear, linear, type LinearParams, type Precision } from "lib/nn/linear.ts";
import { createMlp } from "lib/nn/mlp.ts";
import { createBatchNorm, createLayerNorm, layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import {
  type Backbone,
  type BackboneOutput,
  type BlockProbe,
  dropPathRates,
  type Family,
  type ForwardOptions,
  keepOutput,
  type LayerGroups,
  tapWithin,
  tokensIf,
} from "lib/models/parts/backbone.ts";
import { createPatchProjection, projectPatches } from "lib/models/parts/patch_embed.ts";
import type { SwinConfig } from "lib/models/swin/swin_configs.ts";
import { swinForm, swinNames } from "lib/models/swin/swin_names.ts";
import {
  fromWindows,
  relativePositionBias,
  rollMask,
  toWindows,
  windowOf,
  type WindowPlan,
  windowPlan,
} from "lib/models/swin/swin_windows.ts";
import {
  transformerBlock,
  type TransformerBlockParams,
} from "lib/models/parts/transformer_block.ts";
import { swinConfigFacts } from "./swin_schema.ts";

export type { SwinConfig } from "lib/models/swin/swin_configs.ts";

/** Weights of one block. */
export interface SwinBlockParams extends TransformerBlockParams {
  readonly attn: AttentionParams & {
    readonly relative_position_bias_table: tf.Variable<tf.Rank.R2>; // [(2w − 1)², h]
  };
}

/** Weights of one layer; the last has no downsampling. */
export interface SwinLayerParams {
  readonly blocks: readonly SwinBlockParams[];
  readonly downsample?: {
    readonly reduction: Pick<LinearParams, "weight">; // [4C, 2C]
    readonly norm: LayerNormParams; // [4C]
  };
}

/** Weights of the backbone; the classification head is not part of it. */
export interface SwinParams {
  readonly patch_embed: { readonly proj: Conv2dParams; readonly norm: LayerNormParams };
  readonly layers: readonly SwinLayerParams[];
  readonly norm: LayerNormParams;
}

/** Swin. */
export const swinFamily: Family<SwinConfig> = {
  ...swinConfigFacts,
  create: createSwin,
  stages: ({ depths, embedDim, patchSize }) =>
    depths.map((_, i) => ({ dim: embedDim * 2 ** i, stride: patchSize * 2 ** i })),
  camLayers: ({ depths }) =>
    depths.map((depth, layer) => `layers.${layer}.blocks.${depth - 1}.norm1`),
  layerGroups,
  precisions: ["bf16"],
};

/**
 * The groups of SimMIM's fine-tuning (optimizer.py `get_swin_layer`): the patches are group 0, each
 * block is one more, and the halving after a stage belongs to the stage's last block.
 */
function layerGroups({ depths }: SwinConfig): LayerGroups {
  const blocksBefore = (layer: number) => depths.slice(0, layer).reduce((sum, d) => sum + d, 0);
  const count = 1 + blocksBefore(depths.length);
  const groupOf = (name: string) => {
    const [kind, layer, part, block] = name.split(".");
    if (kind === "patch_embed") return 0;
    if (kind !== "layers") return count;
    return part === "blocks"
      ? 1 + blocksBefore(Number(layer)) + Number(block)
      : blocksBefore(Number(layer) + 1);
  };
  return { count, of: groupOf };
}

/** Official names of all blocks, in order. */
function blockNames({ depths }: SwinConfig): readonly string[] {
  return depths.flatMap((depth, layer) =>
    Array.from({ length: depth }, (_, i) => `layers.${layer}.blocks.${i}`)
  );
}

/**
 * EsViT's linear probe: the mean token of each of the last four blocks; those of the last layer go
 * through the network's last norm, earlier ones do not.
 */
function probeOf({ norm }: SwinParams, config: SwinConfig): BlockProbe {
  const blocks = blockNames(config);
  const inLastLayer = config.depths.at(-1)!;
  return {
    blocks,
    lastBlocks: Math.min(4, blocks.length),
    avgPool: true,
    hasClassToken: false,
    features: (outputs) => {
      const means = (outputs as tf.Tensor4D[]).map((map, i) => {
        const isInLastLayer = i >= outputs.length - inLastLayer;
        const normed = isInLastLayer ? layerNorm(map, norm, config.normEps) : map;
        return normed.mean<tf.Tensor2D>([1, 2]); // [B, C]
      });
      return tf.concat2d(means, 1);
    },
  };
}

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths and heads differ in number, heads do not share the channels
 *   evenly, or `imageSize` leaves a layer no token.
 */
function createSwin(config: SwinConfig, rng: Rng): Backbone {
  const params = createParams(config, rng);
  const featureDim = config.embedDim * 2 ** (config.depths.length - 1);
  return {
    params,
    featureDim,
    headName: "head",
    createHead: (classes, stream) => createLinear(featureDim, classes, stream),
    forward: (x, options) => swin(x, params, config, options),
    officialNames: swinNames,
    weightsForm: (format, { head }) => swinForm(format, config, head),
    probe: probeOf(params, config),
  };
}

function createParams(config: SwinConfig, rng: Rng): SwinParams {
  const { embedDim, depths, numHeads, patchSize } = config;
  if (depths.length !== numHeads.length || depths.length === 0) {
    throw new RangeError(
      `Cannot build layers: need as many depths as numbers of heads, current are ${depths.length} and ${numHeads.length}`,
    );
  }
  return {
    patch_embed: {
      proj: createPatchProjection(patchSize, embedDim, rng.fork("patch_embed.proj")),
      norm: createLayerNorm(embedDim),
    },
    layers: depths.map((_, i) => createLayer(config, i, rng.fork(`layers.${i}`))),
    norm: createLayerNorm(embedDim * 2 ** (depths.length - 1)),
  };
}

function createLayer(config: SwinConfig, layer: number, rng: Rng): SwinLayerParams {
  const { depths, embedDim } = config;
  const dim = embedDim * 2 ** layer;
  const blocks = Array.from(
    { length: depths[layer]! },
    (_, i) => createBlock(config, layer, rng.fork(`blocks.${i}`)),
  );
  if (layer === depths.length - 1) return { blocks };
  const weight = truncNormal<tf.Rank.R2>([4 * dim, 2 * dim], rng.fork("downsample.reduction"));
  const reduction = { weight: laidOut("linear", weight) };
  return { blocks, downsample: { reduction, norm: createLayerNorm(4 * dim) } };
}

function createBlock(config: SwinConfig, layer: number, rng: Rng): SwinBlockParams {
  const dim = config.embedDim * 2 ** layer;
  const heads = config.numHeads[layer]!;
  const positions = (2 * windowOf(config, layer).window - 1) ** 2;
  return {
    norm1: createLayerNorm(dim),
    attn: {
      relative_position_bias_table: truncNormal<tf.Rank.R2>(
        [positions, heads],
        rng.fork("attn.relative_position_bias_table"),
      ),
      ...createAttention(dim, heads, rng.fork("attn")),
    },
    norm2: config.normBeforeMlp === "bn" ? createBatchNorm(dim) : createLayerNorm(dim),
    mlp: createMlp(dim, rng.fork("mlp")),
  };
}

/**
 * Runs the backbone. The feature is the mean of the normed tokens. Stages are the layers' maps
 * before they are merged and before any norm (mmdetection norms each of them, with weights that
 * belong to the detector).
 *
 * Taps: `patch_embed`; `layers.0.blocks.1`, its `norm1`, `attn`, `norm2` and `mlp`; `layers.0`,
 * merged; `norm`. All are maps `[B, H, W, C]`.
 *
 * @param x `[B, H, W, 3]`, normalised.
 * @throws {RangeError} If the image has not one patch.
 */
function swin(
  x: tf.Tensor4D,
  params: SwinParams,
  config: SwinConfig,
  options: ForwardOptions,
): BackboneOutput {
  return tf.tidy(() => {
    const see = options.tap ?? keepOutput;
    const { proj, norm } = params.patch_embed;
    const { normEps } = config;
    const stages: tf.Tensor4D[] = [];
    let y = see("patch_embed", layerNorm(projectPatches(x, proj), norm, normEps));
    params.layers.forEach(({ blocks, downsample }, i) => {
      y = runBlocks(y, blocks, i, config, options);
      stages.push(y);
      if (downsample) y = merge(y, downsample, normEps, options.precision);
      y = see(`layers.${i}`, y);
    });
    const normed = see("norm", layerNorm(y, params.norm, normEps));
    const features = normed.mean<tf.Tensor2D>([1, 2]);
    return { stages, features, ...tokensIf(options.tokens, () => normed) };
  });
}

/** Runs the blocks of one layer; every second one rolls its map. */
function runBlocks(
  x: tf.Tensor4D,
  blocks: readonly SwinBlockParams[],
  layer: number,
  config: SwinConfig,
  { training, rng, tap, precision, world }: ForwardOptions,
): tf.Tensor4D {
  const { depths, dropPathRate, normEps: eps } = config;
  const [rates, numHeads] = [dropPathRates(depths, dropPathRate)[layer]!, config.numHeads[layer]!];
  const { window, shift } = windowOf(config, layer);
  const [, height, width] = x.shape;
  const plans = [0, shift].map((roll) => windowPlan(height, width, window, roll));
  const mask = shift > 0 ? rollMask(plans[1]!) : undefined;
  return blocks.reduce((y, block, i) => {
    const name = `layers.${layer}.blocks.${i}`;
    const odd = i % 2;
    const windows = { numHeads, plan: plans[odd]!, mask: odd ? mask : undefined, precision };
    const attention = (z: tf.Tensor4D) => windowAttention(z, block, windows);
    const own = { rng: rng?.fork(name), tap: tapWithin(tap, name) };
    const options = { training, precision, world, ...own };
    const output = transformerBlock(y, block, {
      ...options,
      attention,
      dropPathRate: rates[i]!,
      eps,
    });
    return tap?.(name, output) ?? output;
  }, x);
}

interface WindowAttentionOptions {
  readonly numHeads: number;
  readonly plan: WindowPlan;
  readonly mask?: tf.Tensor4D; // [windows, 1, N, N]
  readonly precision?: Precision;
}

function windowAttention(
  x: tf.Tensor4D,
  { attn }: SwinBlockParams,
  { numHeads, plan, mask, precision }: WindowAttentionOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const positions = relativePositionBias(attn.relative_position_bias_table, plan.window);
    const bias = mask ? positions.add(mask) as tf.Tensor4D : positions; // [1 or windows, h, N, N]
    const options = { numHeads, bias, precision };
    return fromWindows(selfAttention(toWindows(x, plan), attn, options), plan);
  });
}

/**
 * Merges each square of four tokens into one: concatenates them, norms, and projects to half the
 * length.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, ⌈H/2⌉, ⌈W/2⌉, 2C]`
 */
function merge(
  x: tf.Tensor4D,
  { reduction, norm }: NonNullable<SwinLayerParams["downsample"]>,
  eps: number,
  precision?: Precision,
): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const even = 2 * rows === height && 2 * columns === width
    ? x
    : tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]);
  const squares = even.reshape([batch * rows, 2, columns, 2, channels])
    .transpose([0, 2, 3, 1, 4]) // down the first column, then down the second
    .reshape<tf.Tensor4D>([batch, rows, columns, 4 * channels]);
  return linear(layerNorm(squares, norm, eps), reduction, precision);
}
