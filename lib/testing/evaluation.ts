/**
 * Evaluations in one call, for tests. Other code runs them step by step, so that they can be
 * stopped.
 */
import * as tf from "lib/tf.ts";
import { type ChannelStats, imageNetStats } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import type { LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import { type FeatureReader, imageBatch } from "lib/eval/features/features.ts";
import { type KnnAccuracy, knnSteps } from "lib/eval/nearest/knn.ts";
import { drain } from "./steps.ts";

/** k-NN accuracy for each k: all steps of `knnSteps`. */
export function knnAccuracy(...args: Parameters<typeof knnSteps>): Promise<KnnAccuracy[]> {
  return drain(knnSteps(...args));
}

/** Features `[N, D]` of every image, in one batch. */
export function readFeatures(
  read: FeatureReader,
  set: ImageSet,
  stats: ChannelStats = imageNetStats,
): LabelledFeatures {
  const features = tf.tidy(() => read(imageBatch(set, 0, imageCount(set), stats)));
  const values = features.dataSync<"float32">();
  features.dispose();
  return { features: values, labels: set.labels };
}
