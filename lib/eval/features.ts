/** Features of many images from a frozen backbone. */
import * as tf from "lib/tf.ts";
import { type ChannelStats, imageNetStats } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/images.ts";
import type { Model } from "lib/models/mod.ts";
import type { LabelledFeatures } from "lib/eval/feature_bank.ts";

export interface FeatureOptions {
  readonly batchSize?: number;
  /** What the network was trained with. */
  readonly stats?: ChannelStats;
}

/**
 * The pooled features of every image, in evaluation mode: BatchNorm uses its running statistics, no path drops.
 *
 * @returns Features `[N, featureDim]` with the images' labels.
 */
export function extractFeatures(
  model: Pick<Model, "forward" | "featureDim">,
  set: ImageSet,
  { batchSize = 256, stats = imageNetStats }: FeatureOptions = {},
): LabelledFeatures {
  const count = imageCount(set);
  const features = new Float32Array(count * model.featureDim);
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(from + batchSize, count);
    tf.tidy(() => {
      const x = imageBatch(set, from, to, stats);
      const batch = model.forward(x, { training: false }).features;
      features.set(batch.dataSync<"float32">(), from * model.featureDim);
    });
  }
  return { features, labels: set.labels };
}

/** The images themselves as features, `[N, H·W·3]` in 0–1: the baseline that needs no network. */
export function pixelFeatures(set: ImageSet): LabelledFeatures {
  return { features: Float32Array.from(set.pixels, (value) => value / 255), labels: set.labels };
}

/** Images `from … to − 1`, normalised: `[to − from, H, W, 3]`. */
function imageBatch(set: ImageSet, from: number, to: number, stats: ChannelStats): tf.Tensor4D {
  const size = set.height * set.width * 3;
  return tf.tidy(() => {
    const bytes = Int32Array.from(set.pixels.subarray(from * size, to * size));
    const x = tf.tensor4d(bytes, [to - from, set.height, set.width, 3], "int32");
    const [mean, std] = [tf.tensor1d([...stats.mean]), tf.tensor1d([...stats.std])];
    return x.toFloat().div(255).sub(mean).div(std);
  });
}
