/**
 * Classifiers that are tested: anything that scores images.
 *
 * N images, K classes.
 */
import * as tf from "lib/tf.ts";
import { type ChannelStats, imageNetStats, normalize, normalizeTable } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import type { ModelOutput } from "lib/models/mod.ts";
import { takeValues } from "lib/train/reading.ts";

/**
 * Computes scores of images, `[N, K]`, row by row; larger means more likely. They may be logits or
 * probabilities.
 */
export type Classifier = (images: ImageSet) => Float32Array | Promise<Float32Array>;

/** A network with a classifier. */
interface Network {
  forward(x: tf.Tensor4D, options: { readonly training: boolean }): ModelOutput;
}

export interface NetworkClassifierOptions {
  /** The normalisation that the network was trained with. */
  readonly stats?: ChannelStats;
  /** Images at a time; by default 128. */
  readonly batchSize?: number;
}

/**
 * Makes a classifier of a network in evaluation mode.
 *
 * @throws {TypeError} When called, if the network has no classifier.
 */
export function networkClassifier(
  network: Network,
  { stats = imageNetStats, batchSize = 128 }: NetworkClassifierOptions = {},
): Classifier {
  const table = normalizeTable(stats);
  return async ({ pixels, labels, height, width }) => {
    const size = height * width * 3;
    let scores = new Float32Array(0);
    for (let from = 0; from < labels.length; from += batchSize) {
      const count = Math.min(batchSize, labels.length - from);
      const data = pixels.subarray(from * size, (from + count) * size);
      const values = new Float32Array(data.length);
      normalize({ data, width, height: height * count, channels: 3 }, table, values);
      const own = await logitsOf(network, values, [count, height, width, 3]);
      if (from === 0) scores = new Float32Array(labels.length * own.length / count);
      scores.set(own, from * own.length / count);
    }
    return scores;
  };
}

function logitsOf(
  network: Network,
  values: Float32Array,
  shape: [number, number, number, number],
): Promise<Float32Array> {
  const scores = tf.tidy(() => {
    const { logits } = network.forward(tf.tensor4d(values, shape), { training: false });
    if (logits) return logits;
    throw new TypeError("Cannot classify images: the network has no classifier, only features");
  });
  return takeValues(scores);
}

/**
 * Scores of images.
 *
 * @throws {TypeError} If the number of scores is not a multiple of the number of images.
 */
export async function scoresOf(classify: Classifier, images: ImageSet): Promise<Float32Array> {
  const scores = await classify(images);
  const count = imageCount(images);
  if (scores.length > 0 && scores.length % count === 0) return scores;
  throw new TypeError(
    `Cannot use ${scores.length} scores of ${count} images: need as many for each`,
  );
}

/**
 * The class with the largest score; of equal scores, the first.
 *
 * @param scores `[K]`
 * @param among The classes that are candidates; by default, all.
 * @returns −1 if no score is a number.
 */
export function bestClass(scores: Float32Array, among?: readonly number[]): number {
  let [best, most] = [-1, NaN];
  const consider = (c: number) => {
    const score = scores[c]!;
    if (score > most || (Number.isNaN(most) && !Number.isNaN(score))) [best, most] = [c, score];
  };
  if (among) among.forEach(consider);
  else for (let c = 0; c < scores.length; c++) consider(c);
  return best;
}
