/**
 * Features for a linear probe: computed once and kept, or anew in every epoch from augmented
 * images.
 */
import * as tf from "lib/tf.ts";
import { bankOf, type FeatureBank, type LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import type { LabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/features/probe_features.ts";
import type { ProbeSource } from "lib/eval/probe/probe_steps.ts";
import type { Model } from "lib/models/mod.ts";

/** Features that are there already; a bank on disk is read row by row. */
export function cachedSource(set: LabelledFeatures | FeatureBank): ProbeSource {
  const { dim, labels, rows } = bankOf(set, "probe's");
  return {
    dim,
    labels,
    batch: (indices) => {
      const values = new Float32Array(indices.length * dim);
      indices.forEach((index, i) => values.set(rows(index, index + 1), i * dim));
      const features = tf.tensor2d(values, [indices.length, dim]);
      return Promise.resolve({ features, labels: labelsAt(labels, indices) });
    },
  };
}

/** Some of a source's images, in the order of `indices`. */
export function partOf(source: ProbeSource, indices: Uint32Array): ProbeSource {
  return {
    dim: source.dim,
    labels: labelsAt(source.labels, indices),
    batch: (chosen, epoch) => source.batch(chosen.map((i) => indices[i]!), epoch),
  };
}

function labelsAt(labels: Int32Array, indices: Uint32Array): Int32Array {
  return Int32Array.from(indices, (index) => labels[index]!);
}

/** Which crops a probe is trained on: torchvision's defaults, shares of an image's area. */
export const probeCropScale = [0.08, 1] as const;

/**
 * Features of crops that are drawn anew in every epoch, as the reference trains on: a bilinear
 * RandomResizedCrop, and a flip of every second one.
 *
 * @param crops With {@linkcode probeCropScale}; the caller closes them. An epoch is a step of
 *   theirs.
 */
export async function augmentedSource(
  model: Model,
  crops: LabelledCrops,
  options: ProbeFeatureOptions = {},
): Promise<ProbeSource> {
  const { size, labels } = crops;
  const batch: ProbeSource["batch"] = async (indices, epoch) => {
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
