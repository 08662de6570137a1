/**
 * The weights of MoCo v3's ViT (moco-v3, vits.py `VisionTransformerMoCo`): they differ from DINO's
 * in their first values, and the positions are no weights.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { createConv2d } from "lib/nn/conv.ts";
import { constant, truncNormal, xavierUniform } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import type { LinearParams } from "lib/nn/linear.ts";
import { createLayerNorm } from "lib/nn/norms.ts";
import type { TransformerBlockParams } from "lib/models/parts/transformer_block.ts";
import { sinCosPositions } from "lib/models/vit/position_table.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";
import { createNorm, createNormBeforeMlp, type ViTParams } from "lib/models/vit/vit_weights.ts";

/**
 * Weights of linear layers and of the patch projection are uniform, by Xavier's rule, and biases 0.
 * Queries, keys and values are matrices of their own to that rule. The class token is nearly 0.
 */
export function createMocoV3Params(config: ViTConfig, rng: Rng): ViTParams {
  const { embedDim, depth, patchSize, imageSize } = config;
  const side = Math.floor(imageSize / patchSize);
  return {
    cls_token: truncNormal<tf.Rank.R3>([1, 1, embedDim], rng.fork("cls_token"), 1e-6),
    pos_embed: tf.tidy(() => tf.variable(sinCosPositions(side, embedDim), false)),
    patch_embed: {
      proj: createConv2d(patchSize, 3, embedDim, rng.fork("patch_embed.proj"), {
        init: (shape, stream) =>
          xavierUniform<tf.Rank.R4>(shape, stream, { fanIn: 3 * patchSize ** 2, fanOut: embedDim }),
      }),
    },
    blocks: Array.from({ length: depth }, (_, i) => createBlock(config, rng.fork(`blocks.${i}`))),
    norm: createNorm(config),
  };
}

function createBlock(config: ViTConfig, rng: Rng): TransformerBlockParams {
  const { embedDim } = config;
  const [qkv, proj] = [rng.fork("attn.qkv"), rng.fork("attn.proj")];
  return {
    norm1: createLayerNorm(embedDim),
    attn: {
      qkv: createXavierLinear(embedDim, 3 * embedDim, qkv, embedDim),
      proj: createXavierLinear(embedDim, embedDim, proj),
    },
    norm2: createNormBeforeMlp(config),
    mlp: {
      fc1: createXavierLinear(embedDim, 4 * embedDim, rng.fork("mlp.fc1")),
      fc2: createXavierLinear(4 * embedDim, embedDim, rng.fork("mlp.fc2")),
    },
  };
}

/** @param fanOut Outputs to Xavier's rule. By default, all. */
function createXavierLinear(
  inDim: number,
  outDim: number,
  rng: Rng,
  fanOut = outDim,
): LinearParams {
  const weight = xavierUniform<tf.Rank.R2>([inDim, outDim], rng.fork("weight"), {
    fanIn: inDim,
    fanOut,
  });
  return { weight: laidOut("linear", weight), bias: constant<tf.Rank.R1>([outDim], 0) };
}
