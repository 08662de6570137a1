/**
 * The clusters of all images, by each of several clusterings of the memory.
 *
 * N images in the data set.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import type { PrototypeVectors } from "lib/ssl/method/embedding_network.ts";
import { combined, type Reading, scalarReading } from "lib/train/reading.ts";
import { sphericalKMeans } from "./k_means.ts";
import { unassigned } from "./loss.ts";
import { bankOf, imagesIn, type Memory } from "./memory.ts";

/** The cluster of each image by each clustering; {@linkcode unassigned} for none. */
export type Clusters = readonly tf.Variable<tf.Rank.R1>[]; // [N] each

export function createClusters(clusterings: number, imageCount: number): Clusters {
  const create = () => buffer<tf.Rank.R1>([imageCount], unassigned);
  return Array.from({ length: clusterings }, create);
}

/**
 * Clusters the memory anew for each set of prototypes: one takes the bank of the first global crop,
 * the next that of the second, and so on. The centroids become the prototypes. Images that are not
 * in the memory have no cluster then.
 *
 * Differs: if the memory holds fewer images than a set has prototypes, only as many of them become
 * centroids, and the others stay as they are; the public code refuses.
 *
 * @param rng Draws the images from which the centroids start.
 */
export async function clusterMemory(
  memory: Memory,
  sets: readonly PrototypeVectors[],
  clusters: Clusters,
  rng: Rng,
): Promise<void> {
  const images = await imagesIn(memory);
  for (const [i, { weight }] of sets.entries()) {
    const blocks = bankOf(memory, i % 2);
    const rows = rng.fork(i).permutation(images.length).subarray(0, weight.shape[1]);
    try {
      const { centroids, nearest } = await sphericalKMeans(blocks, rows);
      becomePrototypes(weight, centroids);
      const assigned = new Float32Array(clusters[i]!.size).fill(unassigned);
      images.forEach((image, row) => assigned[image] = nearest[row]!);
      tf.tidy(() => clusters[i]!.assign(tf.tensor1d(assigned)));
    } finally {
      tf.dispose(blocks);
    }
  }
}

/** Overwrites prototypes, `[E, K]`, by centroids, `[K, E]`, or the first ones if there are fewer. */
function becomePrototypes(weight: PrototypeVectors["weight"], centroids: Float32Array): void {
  tf.tidy(() => {
    const [E, K] = weight.shape;
    const moved = tf.tensor2d(centroids, [centroids.length / E, E]).transpose<tf.Tensor2D>();
    const count = moved.shape[1];
    const others = weight.slice([0, count], [E, K - count]);
    weight.assign(count === K ? moved : tf.concat([moved, others], 1));
  });
}

/** The clusters of some images by one clustering, `[B]`, int32. */
export function clustersOf(clusters: Clusters[number], images: Uint32Array): tf.Tensor1D {
  return tf.tidy(() => tf.gather(clusters, tf.tensor1d([...images], "int32")).toInt());
}

/** The share of all prototypes that are the centroid of no image. */
export function emptyShare(clusters: Clusters, sets: readonly PrototypeVectors[]): Reading {
  const all = sets.reduce((sum, { weight }) => sum + weight.shape[1], 0);
  const used = sets.map(({ weight }, i) => usedOf(clusters[i]!, weight.shape[1]));
  return combined(used, (...counts) => 1 - counts.reduce((sum, count) => sum + count, 0) / all);
}

/** How many of K clusters have an image. */
function usedOf(clusters: Clusters[number], K: number): Reading {
  return scalarReading(tf.tidy(() => {
    const numbers = clusters.sub(unassigned).toInt() as tf.Tensor1D; // 0 for none
    return tf.bincount(numbers, tf.ones([numbers.size]), K + 1).slice(1).greater(0).sum();
  }));
}
