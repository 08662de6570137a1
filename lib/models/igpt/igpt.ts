/**
 * iGPT (Chen et al. 2020, "Generative Pretraining from Pixels"): GPT-2 on the pixels of a small
 * image, each of which is one of K colours. Weights start as in the official code (openai/image-gpt,
 * src/model.py), whose short names they have, except that `qkv` is one matrix here.
 *
 * Differs: this network makes the image small itself, by averaging squares of pixels, and finds the
 * nearest colours of its palette, so that it takes images as every backbone does. The official code
 * reads files of such colours.
 *
 * B images, N positions (row by row), C channels, K colours.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { selfAttention } from "lib/nn/attention.ts";
import { constant, truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import {
  type Backbone,
  type BackboneOutput,
  type Family,
  type ForwardOptions,
  keepOutput,
  type Tap,
} from "lib/models/parts/backbone.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";
import { iGptConfigFacts } from "lib/models/igpt/igpt_schema.ts";
import { causalBias, codesOf } from "lib/models/igpt/igpt_codes.ts";

type Matrix = Pick<LinearParams, "weight">;

/** A norm without mean and offset. */
interface RmsNormParams {
  readonly weight: tf.Variable<tf.Rank.R1>; // [C]
}

/** Weights of one block; no layer has a bias. */
interface IGptBlockParams {
  readonly ln_1: RmsNormParams;
  readonly attn: { readonly qkv: Matrix; readonly proj: Matrix };
  readonly ln_2: RmsNormParams;
  readonly mlp: { readonly c_fc: Matrix; readonly c_proj: Matrix };
}

/** Weights of the backbone. */
export interface IGptParams {
  /** The colours, normalised as images are; training sets them, and no gradient moves them. */
  readonly palette: tf.Variable<tf.Rank.R2>; // [K, 3]
  readonly wte: tf.Variable<tf.Rank.R2>; // [K, C], embeddings of the colours
  readonly wpe: tf.Variable<tf.Rank.R2>; // [N, C], embeddings of the positions
  /** What the first position sees; a masked network has none. */
  readonly sos?: tf.Variable<tf.Rank.R1>; // [C]
  /** Blocks by number. */
  readonly h: readonly IGptBlockParams[];
  readonly ln_f: RmsNormParams;
}

/** iGPT. */
export const iGptFamily: Family<IGptConfig> = {
  ...iGptConfigFacts,
  create: createIGpt,
  stages: ({ embedDim, patchSize }) => [{ dim: embedDim, stride: patchSize }],
  camLayers: ({ featureBlock }) => [`h.${featureBlock}.ln_1`],
  precisions: [],
};

function createIGpt(config: IGptConfig, rng: Rng): Backbone {
  const params = createParams(config, rng);
  return {
    params,
    featureDim: config.embedDim,
    headName: "head",
    createHead: (classes, stream) => createLinear(config.embedDim, classes, stream),
    forward: (x, options) => iGpt(x, params, config, options),
  };
}

function createParams(config: IGptConfig, rng: Rng): IGptParams {
  const { embedDim, depth, imageSize, patchSize, colours, masked } = config;
  const draw = (name: string, rows: number, std: number) =>
    truncNormal<tf.Rank.R2>([rows, embedDim], rng.fork(name), std);
  const sos = masked ? {} : { sos: truncNormal<tf.Rank.R1>([embedDim], rng.fork("sos"), 0.02) };
  return {
    palette: firstPalette(colours, rng.fork("palette")),
    wte: draw("wte", colours, 0.02),
    wpe: draw("wpe", (imageSize / patchSize) ** 2, 0.01),
    ...sos,
    h: Array.from({ length: depth }, (_, i) => createBlock(config, rng.fork(`h.${i}`))),
    ln_f: createRmsNorm(embedDim),
  };
}

/** Random colours, until training finds those of its images. */
function firstPalette(colours: number, rng: Rng): tf.Variable<tf.Rank.R2> {
  const values = Array.from({ length: 3 * colours }, () => rng.uniform(-1, 1));
  return tf.tidy(() => tf.variable(tf.tensor2d(values, [colours, 3]), false));
}

function createBlock({ embedDim: dim, depth }: IGptConfig, rng: Rng): IGptBlockParams {
  const matrix = (name: string, from: number, to: number, std: number) => ({
    weight: laidOut("linear", truncNormal<tf.Rank.R2>([from, to], rng.fork(name), std)),
  });
  return {
    ln_1: createRmsNorm(dim),
    attn: {
      qkv: matrix("attn.qkv", dim, 3 * dim, 1 / Math.sqrt(dim)),
      proj: matrix("attn.proj", dim, dim, 1 / Math.sqrt(dim * depth)),
    },
    ln_2: createRmsNorm(dim),
    mlp: {
      c_fc: matrix("mlp.c_fc", dim, 4 * dim, 0.02),
      c_proj: matrix("mlp.c_proj", 4 * dim, dim, 0.02),
    },
  };
}

function createRmsNorm(dim: number): RmsNormParams {
  return { weight: constant<tf.Rank.R1>([dim], 1) };
}

/**
 * Runs the network on images. The one stage is the feature block's normed input, and the feature
 * its mean over all positions; `tokens` are the output of the last norm. Blocks after the feature
 * block run too, for taps.
 *
 * Taps: `h.3.ln_1`, `h.3`, `ln_f`, all `[B, N, C]`.
 */
function iGpt(
  x: tf.Tensor4D,
  params: IGptParams,
  config: IGptConfig,
  { tap, tokens: wantsTokens }: ForwardOptions,
): BackboneOutput {
  return tf.tidy(() => {
    const codes = codesOf(x, params.palette, config);
    const { middle, tokens } = runIGpt(codes, params, config, { tap });
    const [batch, , channels] = middle.shape;
    const side = config.imageSize / config.patchSize;
    return {
      stages: [middle.reshape<tf.Tensor4D>([batch, side, side, channels])],
      features: middle.mean<tf.Tensor2D>(1),
      ...(wantsTokens ? { tokens } : {}),
    };
  });
}

/** The output of the network for colours; the caller owns it. */
export interface IGptOutput {
  /** The normed input of the feature block, `[B, N, C]`. */
  readonly middle: tf.Tensor3D;
  /** The output of the last norm, from which colours are predicted, `[B, N, C]`. */
  readonly tokens: tf.Tensor3D;
}

export interface RunIGptOptions {
  /** 0 for positions of a masked network whose colour is hidden, `[B, N]`. By default, none is. */
  readonly kept?: tf.Tensor2D;
  readonly tap?: Tap;
}

/** @param codes Numbers of colours, `[B, N]`, int32. */
export function runIGpt(
  codes: tf.Tensor2D,
  params: IGptParams,
  { numHeads, masked, featureBlock }: IGptConfig,
  { kept, tap }: RunIGptOptions = {},
): IGptOutput {
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const positions = codes.shape[1];
    const attention = { numHeads, bias: masked ? undefined : causalBias(positions, numHeads) };
    let y = embed(codes, params, kept);
    let middle: tf.Tensor3D;
    params.h.forEach((block, i) => {
      const normed = see(`h.${i}.ln_1`, rmsNorm(y, block.ln_1));
      if (i === featureBlock) middle = normed;
      y = y.add(selfAttention(normed, block.attn, attention));
      const wide = linear(rmsNorm(y, block.ln_2), block.mlp.c_fc);
      y = see(`h.${i}`, y.add(linear(quickGelu(wide), block.mlp.c_proj)));
    });
    const tokens = see("ln_f", rmsNorm(y, params.ln_f));
    return { middle: middle!, tokens } as unknown as tf.TensorContainer;
  }) as unknown as IGptOutput;
}

/**
 * What the blocks receive. Without a mask, each position has the colour of the one before it, which
 * it must not see itself.
 */
function embed(
  codes: tf.Tensor2D,
  { wte, wpe, sos }: IGptParams,
  kept: tf.Tensor2D | undefined,
): tf.Tensor3D {
  const [batch, positions] = codes.shape;
  const colours = tf.gather(wte, codes) as unknown as tf.Tensor3D; // [B, N, C]
  if (sos === undefined) {
    return (kept ? colours.mul(kept.expandDims(2)) : colours).add(wpe);
  }
  const start = sos.reshape<tf.Tensor3D>([1, 1, -1]).tile<tf.Tensor3D>([batch, 1, 1]);
  const before = colours.slice([0, 0], [-1, positions - 1]);
  return tf.concat3d([start, before], 1).add(wpe);
}

/** `x · weight / √(mean of x² + 1e-5)`, over the channels. */
function rmsNorm(x: tf.Tensor3D, { weight }: RmsNormParams): tf.Tensor3D {
  return tf.tidy(() => x.mul(x.square().mean(-1, true).add(1e-5).rsqrt()).mul(weight));
}

/** `x · σ(1.702 x)`, the official code's GELU. */
function quickGelu(x: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => x.mul(x.mul(1.702).sigmoid()));
}
