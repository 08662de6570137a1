/** Features of many images from a frozen backbone. */
import * as tf from "lib/tf.ts";
import { type ChannelStats, imageNetStats } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import type { Model } from "lib/models/mod.ts";
import type { LabelledFeatures } from "lib/eval/features/feature_bank.ts";

export interface FeatureOptions {
  readonly batchSize?: number;
  /** What the network was trained with. */
  readonly stats?: ChannelStats;
}

/** Of images `[B, H, W, 3]`, normalised, to features `[B, D]`. */
export type FeatureReader = (x: tf.Tensor4D) => tf.Tensor2D;

/** The pooled features of a network in evaluation mode: BatchNorm uses its running statistics, no path drops. */
export function pooledFeatures(model: Pick<Model, "forward">): FeatureReader {
  return (x) => model.forward(x, { training: false }).features;
}

/**
 * The pooled features of every image.
 *
 * @returns Features `[N, featureDim]` with the images' labels.
 */
export function extractFeatures(
  model: Pick<Model, "forward">,
  set: ImageSet,
  options: FeatureOptions = {},
): LabelledFeatures {
  const steps = featureSteps(pooledFeatures(model), set, options);
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value;
}

/** Any features of every image, a batch at a time: yields the fraction done, so that the caller can pause or stop. */
export function* featureSteps(
  read: FeatureReader,
  set: ImageSet,
  { batchSize = 256, stats = imageNetStats }: FeatureOptions = {},
): Generator<number, LabelledFeatures> {
  const count = imageCount(set);
  let features = new Float32Array(0);
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(from + batchSize, count);
    tf.tidy(() => {
      const batch = read(imageBatch(set, from, to, stats));
      const dim = batch.shape[1];
      if (from === 0) features = new Float32Array(count * dim);
      features.set(batch.dataSync<"float32">(), from * dim);
    });
    yield to / count;
  }
  return { features, labels: set.labels };
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
