/**
 * The Vision Transformer (Dosovitskiy et al. 2021) as DINO defines it, and ViT-BN (Chen et al.
 * 2021, MoCo v3; Table 3). Weight names are those of the official checkpoints.
 *
 * B batch, N patches, C channels. There are 1 + N tokens; the class token comes first.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { selfAttention } from "lib/nn/attention.ts";
import { createLinear } from "lib/nn/linear.ts";
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
} from "lib/models/parts/backbone.ts";
import { projectPatches } from "lib/models/parts/patch_embed.ts";
import { interpolatePositions } from "lib/models/vit/position_table.ts";
import { normTokens, transformerBlock } from "lib/models/parts/transformer_block.ts";
import { createMocoV3Params } from "lib/models/vit/mocov3_weights.ts";
import { vitForm, vitNames } from "lib/models/vit/vit_names.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";
import { createParams, type ViTParams } from "lib/models/vit/vit_weights.ts";
import { vitConfigFacts } from "./vit_schema.ts";

export type { ViTConfig } from "lib/models/vit/vit_configs.ts";

const eps = 1e-6; // for every norm

/** ViT, ViT-BN and MoCo v3's ViT. */
export const vitFamily: Family<ViTConfig> = {
  ...vitConfigFacts,
  create: createViT,
  stages: ({ embedDim, patchSize }) => [{ dim: embedDim, stride: patchSize }],
  camLayers: ({ depth }) => [`blocks.${depth - 1}.norm1`],
  layerGroups,
  precisions: ["bf16"],
};

/**
 * The groups of MAE's fine-tuning (util/lr_decay.py `get_layer_id_for_vit`), as BEiT's: patches,
 * positions and class token are group 0, each block is one more.
 */
function layerGroups({ depth }: ViTConfig): LayerGroups {
  const groupOf = (name: string) => {
    const [kind, block] = name.split(".");
    if (kind === "blocks") return 1 + Number(block);
    return ["cls_token", "pos_embed", "patch_embed"].includes(kind!) ? 0 : depth + 1;
  };
  return { count: depth + 1, of: groupOf };
}

/**
 * DINO's linear probe (`eval_linear.py`): the class tokens of the last four blocks, each after the
 * network's last norm. A ViT as wide as ViT-B or wider gives its last block alone, and the mean of
 * its patches too.
 */
function probeOf({ norm }: ViTParams, { depth, embedDim }: ViTConfig): BlockProbe {
  const isWide = embedDim >= 768;
  const normed = (y: tf.Tensor3D) => normTokens(y, norm, { training: false, eps });
  return {
    blocks: Array.from({ length: depth }, (_, i) => `blocks.${i}`),
    lastBlocks: isWide ? 1 : Math.min(4, depth),
    avgPool: isWide,
    hasClassToken: true,
    features: (outputs, { avgPool }) => {
      const tokens = outputs as tf.Tensor3D[]; // [B, 1 + N, C]
      const classTokens = tokens.map((y) =>
        normed(y.slice([0, 0], [-1, 1])).reshape<tf.Tensor2D>([-1, embedDim])
      );
      if (!avgPool) return tf.concat2d(classTokens, 1);
      const mean = normed(tokens.at(-1)!.slice([0, 1])).mean<tf.Tensor2D>(1); // [B, C]
      if (tokens.length > 1) return tf.concat2d([...classTokens, mean], 1);
      return tf.stack([classTokens[0]!, mean], 2).reshape([-1, 2 * embedDim]); // token, mean, token, …
    },
  };
}

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If the heads do not share the channels evenly, or there is no such norm.
 */
function createViT(config: ViTConfig, rng: Rng): Backbone {
  const create = config.variant === "mocov3" ? createMocoV3Params : createParams;
  const params = create(config, rng);
  return {
    params,
    featureDim: config.embedDim,
    headName: "head",
    createHead: (classes, stream) => createLinear(config.embedDim, classes, stream),
    forward: (x, options) => vit(x, params, config, options),
    officialNames: vitNames,
    weightsForm: (format, { head }) => vitForm(format, config, head),
    probe: probeOf(params, config),
  };
}

/**
 * Runs the backbone. The feature is the class token after the last norm; the one stage is the last
 * block's patches before that norm.
 *
 * Taps: `patch_embed` `[B, N, C]`; `blocks.3`, its `norm1`, `attn`, `norm2` and `mlp`, and `norm`,
 * `[B, 1 + N, C]`.
 *
 * @param x `[B, H, W, 3]`, normalised.
 * @throws {RangeError} If the image has not one patch.
 */
function vit(
  x: tf.Tensor4D,
  params: ViTParams,
  config: ViTConfig,
  { training, rng, tap, tokens: wantsTokens, precision, world }: ForwardOptions,
): BackboneOutput {
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const map = projectPatches(x, params.patch_embed.proj); // [B, h, w, C]
    const [batch, rows, columns, channels] = map.shape;
    const patches = map.reshape<tf.Tensor3D>([batch, rows * columns, channels]);
    let tokens = withPositions(
      see("patch_embed", patches),
      positionsFor(x, params, config),
      params,
    );
    const { numHeads } = config;
    const [rates] = dropPathRates([config.depth], config.dropPathRate);
    params.blocks.forEach((block, i) => {
      const name = `blocks.${i}`;
      const attention = (y: tf.Tensor3D) => selfAttention(y, block.attn, { numHeads, precision });
      const own = { rng: rng?.fork(name), tap: tapWithin(tap, name) };
      const options = { training, precision, world, ...own };
      const dropPathRate = rates![i]!;
      tokens = see(
        name,
        transformerBlock(tokens, block, { ...options, attention, dropPathRate, eps }),
      );
    });
    const normed = see("norm", normTokens(tokens, params.norm, { training, eps, world }));
    return {
      stages: [tokens.slice([0, 1]).reshape<tf.Tensor4D>(map.shape)],
      features: normed.slice([0, 0], [-1, 1]).reshape<tf.Tensor2D>([batch, channels]),
      ...(wantsTokens ? { tokens: normed.slice([0, 1]) } : {}),
    };
  });
}

/**
 * The table of positions, interpolated unless the image is square with as many patches as entries,
 * as in DINO.
 */
function positionsFor(
  x: tf.Tensor4D,
  { pos_embed }: ViTParams,
  { patchSize }: ViTConfig,
): tf.Tensor3D {
  const [, height, width] = x.shape;
  const [rows, columns] = [Math.floor(height / patchSize), Math.floor(width / patchSize)];
  if (height === width && 1 + rows * columns === pos_embed.shape[1]) return pos_embed;
  return interpolatePositions(pos_embed, rows, columns);
}

/** Puts the class token before the patches `[B, N, C]`, and adds the positions `[1, 1 + N, C]`. */
function withPositions(
  patches: tf.Tensor3D,
  positions: tf.Tensor3D,
  { cls_token }: ViTParams,
): tf.Tensor3D {
  const [batch, count] = patches.shape;
  const [ofClass, ofPatches] = tf.split(positions, [1, count], 1) as [tf.Tensor3D, tf.Tensor3D];
  const classTokens = cls_token.add(ofClass).tile([batch, 1, 1]);
  return tf.concat([classTokens, patches.add(ofPatches) as tf.Tensor3D], 1) as tf.Tensor3D;
}
