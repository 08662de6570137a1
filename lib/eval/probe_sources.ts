/** Features for a linear probe: computed once and kept, or anew in every epoch from augmented images. */
import * as tf from "lib/tf.ts";
import { type ChannelStats, normalize, normalizeTable, raster } from "lib/augment/mod.ts";
import { imageAt, type ImageSet } from "lib/datasets/images.ts";
import { bankOf, type FeatureBank, type LabelledFeatures } from "lib/eval/feature_bank.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/probe_features.ts";
import { randomCrop } from "lib/eval/random_crop.ts";
import type { ProbeSource } from "lib/eval/train_linear_probe.ts";
import type { Model } from "lib/models/mod.ts";
import type { Rng } from "lib/rng.ts";

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

const cropScale = [0.08, 1] as const; // torchvision's default: shares of an image's area

export interface AugmentedSourceOptions extends ProbeFeatureOptions {
  /** What the network was trained with. */
  readonly stats: ChannelStats;
}

/**
 * Features of crops drawn anew in every epoch, as the reference trains on: RandomResizedCrop, bilinear, to the images' own size,
 * and a flip of every second.
 *
 * @param rng An image's crop in an epoch is a function of this stream, its number and the epoch.
 */
export function augmentedSource(
  model: Model,
  set: ImageSet,
  { stats, ...options }: AugmentedSourceOptions,
  rng: Rng,
): ProbeSource {
  const { height, width, labels } = set;
  const values = normalizeTable(stats);
  const features = (indices: Uint32Array, epoch: number) => {
    const pixels = new Float32Array(indices.length * height * width * 3);
    indices.forEach((index, i) => {
      const image = raster(width, height, 3, imageAt(set, index).pixels);
      const options = { size: width, scale: cropScale };
      const crop = randomCrop(image, options, rng.fork(epoch).fork(index));
      normalize(crop, values, pixels, i * height * width * 3);
    });
    return tf.tidy(() =>
      probeFeatures(model, tf.tensor4d(pixels, [indices.length, height, width, 3]), options)
    );
  };
  const first = features(Uint32Array.of(0), 0);
  const dim = first.shape[1];
  first.dispose();
  return { dim, labels, batch: features };
}
