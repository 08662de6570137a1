/** A ViT's weights, with DINO's first values. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { createAttention } from "lib/nn/attention.ts";
import type { Conv2dParams } from "lib/nn/conv.ts";
import { truncNormal } from "lib/nn/init.ts";
import { createMlp } from "lib/nn/mlp.ts";
import {
  type BatchNormParams,
  createBatchNorm,
  createLayerNorm,
  type LayerNormParams,
} from "lib/nn/norms.ts";
import { createPatchProjection } from "lib/models/parts/patch_embed.ts";
import type { TransformerBlockParams } from "lib/models/parts/transformer_block.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";

/** Weights of the backbone; the classification head is not part of it. */
export interface ViTParams {
  readonly cls_token: tf.Variable<tf.Rank.R3>; // [1, 1, C]
  readonly pos_embed: tf.Variable<tf.Rank.R3>; // [1, 1 + n·n, C]
  readonly patch_embed: { readonly proj: Conv2dParams };
  readonly blocks: readonly TransformerBlockParams[];
  readonly norm: LayerNormParams | BatchNormParams;
}

/** @throws {RangeError} If the heads do not share the channels evenly, or there is no such norm. */
export function createParams(config: ViTConfig, rng: Rng): ViTParams {
  const { embedDim, depth, patchSize, imageSize } = config;
  const positions = 1 + Math.floor(imageSize / patchSize) ** 2;
  return {
    cls_token: truncNormal<tf.Rank.R3>([1, 1, embedDim], rng.fork("cls_token")),
    pos_embed: truncNormal<tf.Rank.R3>([1, positions, embedDim], rng.fork("pos_embed")),
    patch_embed: {
      proj: createPatchProjection(patchSize, embedDim, rng.fork("patch_embed.proj")),
    },
    blocks: Array.from({ length: depth }, (_, i) => createBlock(config, rng.fork(`blocks.${i}`))),
    norm: createNorm(config),
  };
}

function createBlock(config: ViTConfig, rng: Rng): TransformerBlockParams {
  const { embedDim, numHeads } = config;
  return {
    norm1: createLayerNorm(embedDim),
    attn: createAttention(embedDim, numHeads, rng.fork("attn")),
    norm2: createNormBeforeMlp(config),
    mlp: createMlp(embedDim, rng.fork("mlp")),
  };
}

/** The norm before a perceptron. */
export function createNormBeforeMlp(config: ViTConfig): LayerNormParams | BatchNormParams {
  return createNorm(config.normBeforeMlp === "bn" ? { ...config, norm: "batch" } : config);
}

/** The last norm. */
export function createNorm({ norm, embedDim }: ViTConfig): LayerNormParams | BatchNormParams {
  switch (norm) {
    case "layer":
      return createLayerNorm(embedDim);
    case "batch":
      return createBatchNorm(embedDim);
    default:
      throw new RangeError(`Unknown norm "${norm satisfies never}": use layer, batch`);
  }
}
