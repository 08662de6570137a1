/**
 * The features that a linear probe reads: a transformer's last blocks (the reference's
 * `eval_linear.py`; for Swin, EsViT's), and of all other networks the pooled feature.
 *
 * B batch, C channels of a block.
 */
import * as tf from "lib/tf.ts";
import { type BlockProbe, intermediates, type Model } from "lib/models/mod.ts";

/** Which blocks; for transformers only, since a convnet's feature is its pooled map. */
export interface ProbeFeatureOptions {
  /**
   * How many of the last blocks. By default four, as for ViT-S and Swin; for a ViT as wide as
   * ViT-B, one.
   */
  readonly lastBlocks?: number;
  /**
   * For a ViT: also the mean of the last block's patches. By default only for ViT-B and wider, as
   * in the reference.
   */
  readonly avgPool?: boolean;
}

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
 * @throws {RangeError} If the network has not as many blocks, or its family does not know the
 *   options.
 */
export function probeFeatures(
  model: Model,
  x: tf.Tensor4D,
  options: ProbeFeatureOptions = {},
): tf.Tensor2D {
  const { probe, config: { arch } } = model;
  return tf.tidy(() => {
    if (probe === undefined) {
      refuseOptions(arch, options);
      return model.forward(x, { training: false }).features;
    }
    const { lastBlocks = probe.lastBlocks, avgPool = probe.avgPool } = options;
    if (!probe.hasClassToken && !avgPool) {
      throw new RangeError(`Cannot probe ${arch} without avgPool: it has no class token`);
    }
    return probe.features(innerOutputs(model, x, lastOf(probe, lastBlocks)), { avgPool });
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

function lastOf({ blocks }: BlockProbe, count: number): readonly string[] {
  if (Number.isInteger(count) && count >= 1 && count <= blocks.length) return blocks.slice(-count);
  throw new RangeError(`Cannot probe the last ${count} blocks: need 1 to ${blocks.length}`);
}

/** Outputs by name; the `tidy` around frees them. */
function innerOutputs(model: Model, x: tf.Tensor4D, names: readonly string[]): tf.Tensor[] {
  const { intermediates: found } = intermediates(model, x, names, { training: false });
  const kept = names.map((name) => found[name]!);
  const outputs = kept.map((tensor) => tensor.clone()); // a tidy frees clones, but not kept tensors
  tf.dispose(kept);
  return outputs;
}
