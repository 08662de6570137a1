/** Features for a linear probe: computed once and kept, or anew in every epoch from augmented images. */
import * as tf from "lib/tf.ts";
import { bankOf, type FeatureBank, type LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import type { LabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/features/probe_features.ts";
import type { AwaitedProbeSource, ProbeSource } from "lib/eval/probe/train_linear_probe.ts";
import type { Model } from "lib/models/mod.ts";

/** Features that are there already; a bank on disk is read row by row. */
export function cachedSource(set: LabelledFeatures | FeatureBank): ProbeSource {
  const { dim, labels, rows } = bankOf(set, "probe's");
  return {
    dim,
    labels,
    batch: (indices) => {
      const batch = new Float32Array(indices.length * dim);
      indices.forEach((index, i) => batch.set(rows(index, index + 1), i * dim));
      return tf.tensor2d(batch, [indices.length, dim]);
    },
  };
}

/** Some of a source's images, in the order of `indices`. */
export function partOf(source: ProbeSource, indices: Uint32Array): ProbeSource {
  return {
    dim: source.dim,
    labels: Int32Array.from(indices, (index) => source.labels[index]!),
    batch: (chosen, epoch) => source.batch(chosen.map((i) => indices[i]!), epoch),
  };
}

/** What crops a probe is trained on: torchvision's defaults, shares of an image's area. */
export const probeCropScale = [0.08, 1] as const;

/**
 * Features of crops drawn anew in every epoch, as the reference trains on: RandomResizedCrop, bilinear, and a flip of every second.
 *
 * @param crops With {@linkcode probeCropScale}; a batch's step is its epoch. They are not closed.
 */
export async function augmentedSource(
  model: Model,
  crops: LabelledCrops,
  options: ProbeFeatureOptions = {},
): Promise<AwaitedProbeSource> {
  const { size, labels } = crops;
  const batch = async (indices: Uint32Array, epoch: number) => {
    const { pixels, labels } = await crops.next(indices, epoch);
    const features = tf.tidy(() =>
      probeFeatures(model, tf.tensor4d(pixels, [indices.length, size, size, 3]), options)
    );
    return { features, labels };
  };
  const { features: first } = await batch(Uint32Array.of(0), 0);
  const dim = first.shape[1];
  first.dispose();
  return { dim, labels, batch };
}
