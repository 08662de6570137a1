/**
 * The clusters of all images, by each of several clusterings of the memory.
 *
 * N images in the data set.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import type { PrototypeVectors } from "lib/ssl/method/embedding_network.ts";
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
  const images = imagesIn(memory);
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

/** The clusters of some images by one clustering. */
export function clustersOf(clusters: Clusters[number], images: Uint32Array): Int32Array {
  const all = clusters.dataSync<"float32">();
  return Int32Array.from(images, (image) => all[image]!);
}

/** The share of all prototypes that are the centroid of no image. */
export function emptyShare(clusters: Clusters, sets: readonly PrototypeVectors[]): number {
  const counts = sets.map(({ weight }, i) => {
    const used = new Set(clusters[i]!.dataSync<"float32">());
    used.delete(unassigned);
    return { used: used.size, all: weight.shape[1] };
  });
  const sum = (key: "used" | "all") => counts.reduce((total, count) => total + count[key], 0);
  return 1 - sum("used") / sum("all");
}
