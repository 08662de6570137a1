/**
 * Isotropic ConvNeXt (Liu et al. 2022, §3.3): ConvNeXt's blocks in the shape of a ViT, at one
 * resolution. Weight names are those of the official checkpoints.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type Conv2dParams, createConv2d, patchConv2d } from "lib/nn/conv.ts";
import { createLinear } from "lib/nn/linear.ts";
import { createLayerNorm, layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import {
  convNeXtBlock,
  type ConvNeXtBlockParams,
  createConvNeXtBlock,
} from "lib/models/convnext/convnext.ts";
import {
  type Backbone,
  type BackboneOutput,
  dropPathRates,
  type Family,
  type ForwardOptions,
  keepOutput,
  tapWithin,
  tokensIf,
} from "lib/models/parts/backbone.ts";
import type { ConvNeXtIsotropicConfig } from "./convnext_isotropic_configs.ts";
import { convNeXtIsotropicConfigFacts } from "./convnext_schema.ts";

const eps = 1e-6; // for every LayerNorm

export interface ConvNeXtIsotropicParams {
  readonly stem: Conv2dParams;
  readonly blocks: readonly ConvNeXtBlockParams[];
  readonly norm: LayerNormParams;
}

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If the kernel size is even.
 */
function createConvNeXtIsotropic(config: ConvNeXtIsotropicConfig, rng: Rng): Backbone {
  const { depth, dim, kernelSize, patchSize } = config;
  const params: ConvNeXtIsotropicParams = {
    stem: createConv2d(patchSize, 3, dim, rng.fork("stem")),
    blocks: Array.from(
      { length: depth },
      (_, i) => createConvNeXtBlock(dim, kernelSize, config, rng.fork(`blocks.${i}`)),
    ),
    norm: createLayerNorm(dim),
  };
  return {
    params,
    featureDim: dim,
    headName: "head",
    createHead: (classes, stream) => createLinear(dim, classes, stream),
    forward: (x, options) => forward(x, params, config, options),
  };
}

function forward(
  x: tf.Tensor4D,
  params: ConvNeXtIsotropicParams,
  config: ConvNeXtIsotropicConfig,
  { training, rng, tap, precision, tokens, world }: ForwardOptions,
): BackboneOutput {
  if (Math.min(x.shape[1], x.shape[2]) < config.patchSize) {
    throw new RangeError(
      `Cannot cut ${x.shape[1]}×${x.shape[2]} pixels into patches of ${config.patchSize} a side`,
    );
  }
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const [rates] = dropPathRates([config.depth], config.dropPathRate);
    let y = see("stem", patchConv2d(x, params.stem));
    params.blocks.forEach((block, i) => {
      const name = `blocks.${i}`;
      const options = {
        training,
        precision,
        world,
        rng: rng?.fork(name),
        dropPathRate: rates![i]!,
        tap: tapWithin(tap, name),
      };
      y = see(name, convNeXtBlock(y, block, options));
    });
    const pooled = y.mean<tf.Tensor2D>([1, 2]); // [B, C]
    const features = see("norm", layerNorm(pooled, params.norm, eps));
    const normedMap = () => layerNorm(y, params.norm, eps);
    return { stages: [y], features, ...tokensIf(tokens, normedMap) };
  });
}

/** Isotropic ConvNeXt. */
export const convNeXtIsotropicFamily: Family<ConvNeXtIsotropicConfig> = {
  ...convNeXtIsotropicConfigFacts,
  create: createConvNeXtIsotropic,
  stages: ({ dim, patchSize }) => [{ dim, stride: patchSize }],
  camLayers: ({ depth }) => [`blocks.${depth - 1}`],
  precisions: ["bf16"],
};
