/** Features of many images from a frozen backbone. */
import * as tf from "lib/tf.ts";
import type { ChannelStats } from "lib/augment/mod.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import type { Model } from "lib/models/mod.ts";
import type { LabelledFeatures } from "lib/eval/features/feature_bank.ts";

/** A function from images `[B, H, W, 3]`, normalised, to their features `[B, D]`. */
export type FeatureReader = (x: tf.Tensor4D) => tf.Tensor2D;

/**
 * The pooled features of a network in evaluation mode: BatchNorm uses its running statistics, no
 * path drops.
 */
export function pooledFeatures(model: Pick<Model, "forward">): FeatureReader {
  return (x) => model.forward(x, { training: false }).features;
}

/** The images themselves as features, `[N, H·W·3]` in 0–1: the baseline that needs no network. */
export function pixelFeatures(set: ImageSet): LabelledFeatures {
  return { features: Float32Array.from(set.pixels, (value) => value / 255), labels: set.labels };
}

/** Images `from … to − 1`, normalised: `[to − from, H, W, 3]`. */
export function imageBatch(
  set: ImageSet,
  from: number,
  to: number,
  stats: ChannelStats,
): tf.Tensor4D {
  const size = set.height * set.width * 3;
  return tf.tidy(() => {
    const bytes = Int32Array.from(set.pixels.subarray(from * size, to * size));
    const x = tf.tensor4d(bytes, [to - from, set.height, set.width, 3], "int32");
    const [mean, std] = [tf.tensor1d([...stats.mean]), tf.tensor1d([...stats.std])];
    return x.toFloat().div(255).sub(mean).div(std);
  });
}
