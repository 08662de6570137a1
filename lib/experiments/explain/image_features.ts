/** The verb `imageFeatures`: the pooled features of some images, by several networks. */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { imageBatch, pixelFeatures, pooledFeatures } from "lib/eval/features/features.ts";
import { type NetworkToExplain, openBackbone } from "lib/experiments/explain/explained.ts";
import * as tf from "lib/tf.ts";
import { takeValues } from "lib/train/reading.ts";

/** Feature vectors of N images. */
export interface ImageFeatures {
  /** Name of the network, as it was given; `pixels`. */
  readonly name: string;
  /** D, the length of a vector. */
  readonly dim: number;
  /** `[N, D]` */
  readonly values: Float32Array;
}

const batchSize = 64;

/**
 * The feature vectors that a k-NN compares, for some images. Numbers only.
 *
 * @param networks Runs or loaded networks; `pixels` are the images themselves, `[N, H·W·3]`.
 * @throws {Error} If a run is not there.
 * @throws {RangeError} If there is no image.
 */
export async function imageFeatures(
  networks: readonly (NetworkToExplain | "pixels")[],
  images: ImageSet,
): Promise<ImageFeatures[]> {
  const count = imageCount(images);
  if (count === 0) throw new RangeError("Cannot compute features: there is no image");
  const all: ImageFeatures[] = [];
  for (const network of networks) {
    if (network === "pixels") {
      const { features: values } = pixelFeatures(images);
      all.push({ name: network, dim: values.length / count, values });
      continue;
    }
    using opened = await openBackbone(network);
    const read = pooledFeatures(opened.model);
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += batchSize) {
      const to = Math.min(from + batchSize, count);
      const features = tf.tidy(() => read(imageBatch(images, from, to, opened.stats)));
      parts.push(await takeValues(features) as Float32Array);
    }
    const values = Float32Array.from(parts.flatMap((part) => [...part]));
    all.push({ name: network.name, dim: values.length / count, values });
  }
  return all;
}
