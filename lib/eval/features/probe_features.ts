/**
 * What a linear probe is put on: the features of the last blocks (the reference's `eval_linear.py`;
 * for Swin, EsViT's).
 *
 * B batch, C channels of a block.
 */
import * as tf from "lib/tf.ts";
import { intermediates, type Model } from "lib/models/mod.ts";
import type { SwinConfig, SwinParams } from "lib/models/swin/swin.ts";
import { normTokens } from "lib/models/parts/transformer_block.ts";
import type { ViTConfig, ViTParams } from "lib/models/vit/vit.ts";
import { layerNorm } from "lib/nn/norms.ts";

/** Which blocks; of a transformer only, since a convnet's feature is its pooled map. */
export interface ProbeFeatureOptions {
  /**
   * How many of the last blocks. By default four, as for ViT-S and Swin; of a ViT as wide as ViT-B,
   * one.
   */
  readonly lastBlocks?: number;
  /**
   * A ViT's: the mean of the last block's patches too. By default, as the reference: of ViT-B and
   * wider only.
   */
  readonly avgPool?: boolean;
}

const vitEps = 1e-6; // of every norm, as in lib/models/vit/vit.ts

/**
 * The features that a linear probe reads, in evaluation mode.
 *
 * - ViT: the class tokens of the last blocks, each after the network's last norm. With `avgPool`
 *   and one block, token and mean alternate number by number, as the reference's `cat` lays them;
 *   it refuses more blocks, where ours appends the mean.
 * - Swin: the mean token of each of the last blocks; those of the last layer are normed, earlier
 *   ones not.
 * - All others: the feature itself, as a k-NN compares it.
 *
 * @param x `[B, H, W, 3]`, normalised.
 * @returns `[B, D]`, the last block's after the earlier ones'; the caller owns it.
 * @throws {RangeError} If the network has not as many blocks, or the options are not of its family.
 */
export function probeFeatures(
  model: Model,
  x: tf.Tensor4D,
  options: ProbeFeatureOptions = {},
): tf.Tensor2D {
  const { config, params } = model;
  return tf.tidy(() => {
    switch (config.arch) {
      case "vit":
        return vitFeatures(model, x, params as ViTParams, config, options);
      case "swin":
        return swinFeatures(model, x, params as SwinParams, config, options);
      default:
        refuseOptions(config.arch, options);
        return model.forward(x, { training: false }).features;
    }
  });
}

function refuseOptions(arch: string, options: ProbeFeatureOptions): void {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given.length === 0) return;
  const names = given.map(([name]) => name).join(" and ");
  throw new RangeError(
    `Cannot probe blocks of "${arch}": its feature is the pooled last map; leave out ${names}`,
  );
}

function vitFeatures(
  model: Model,
  x: tf.Tensor4D,
  { norm }: ViTParams,
  { depth, embedDim }: ViTConfig,
  options: ProbeFeatureOptions,
): tf.Tensor2D {
  const wide = embedDim >= 768;
  const { lastBlocks = wide ? 1 : Math.min(4, depth), avgPool = wide } = options;
  const names = lastOf(Array.from({ length: depth }, (_, i) => `blocks.${i}`), lastBlocks);
  const tokens = innerOutputs<tf.Tensor3D>(model, x, names);
  const normed = (y: tf.Tensor3D) => normTokens(y, norm, { training: false, eps: vitEps });
  const classTokens = tokens.map((y) =>
    normed(y.slice([0, 0], [-1, 1])).reshape<tf.Tensor2D>([-1, embedDim])
  );
  if (!avgPool) return tf.concat2d(classTokens, 1);
  const mean = normed(tokens.at(-1)!.slice([0, 1])).mean<tf.Tensor2D>(1); // [B, C]
  if (lastBlocks > 1) return tf.concat2d([...classTokens, mean], 1);
  // token, mean, token, mean, …
  return tf.stack([classTokens[0]!, mean], 2).reshape([-1, 2 * embedDim]);
}

function swinFeatures(
  model: Model,
  x: tf.Tensor4D,
  { norm }: SwinParams,
  { depths, normEps }: SwinConfig,
  { lastBlocks = Math.min(4, depths.reduce((sum, depth) => sum + depth, 0)), avgPool }:
    ProbeFeatureOptions,
): tf.Tensor2D {
  if (avgPool === false) {
    throw new RangeError("Cannot probe swin without avgPool: it has no class token");
  }
  const blocks = depths.flatMap((depth, layer) =>
    Array.from({ length: depth }, (_, i) => ({ layer, name: `layers.${layer}.blocks.${i}` }))
  );
  const last = lastOf(blocks, lastBlocks);
  const maps = innerOutputs<tf.Tensor4D>(model, x, last.map(({ name }) => name));
  const means = maps.map((map, i) => {
    const isLast = last[i]!.layer === depths.length - 1;
    return (isLast ? layerNorm(map, norm, normEps) : map).mean<tf.Tensor2D>([1, 2]);
  });
  return tf.concat2d(means, 1);
}

function lastOf<T>(blocks: readonly T[], count: number): readonly T[] {
  if (Number.isInteger(count) && count >= 1 && count <= blocks.length) return blocks.slice(-count);
  throw new RangeError(`Cannot probe the last ${count} blocks: need 1 to ${blocks.length}`);
}

/** Outputs by name, for the `tidy` around to free. */
function innerOutputs<T extends tf.Tensor>(
  model: Model,
  x: tf.Tensor4D,
  names: readonly string[],
): T[] {
  const { intermediates: found } = intermediates(model, x, names, { training: false });
  const kept = names.map((name) => found[name]!);
  // kept ones outlive a tidy, clones do not
  const outputs = kept.map((tensor) => tensor.clone() as T);
  tf.dispose(kept);
  return outputs;
}
