/**
 * Spherical k-means (Caron et al. 2020, appendix D; `cluster_memory` of main_deepclusterv2.py): the
 * clusters of unit vectors by the cosine.
 *
 * n vectors of length E, in blocks of b, which may differ; K centroids.
 */
import * as tf from "lib/tf.ts";

/** How often the centroids move, as in the public code. */
const iterations = 10;

export interface Clustering {
  /** Unit vectors, `[K, E]`. */
  readonly centroids: Float32Array;
  /** The nearest centroid of each vector, `[n]`. */
  readonly nearest: Int32Array;
}

/**
 * Clusters vectors. Ten times each centroid moves to the mean of the vectors to which it is the
 * nearest, scaled to unit length; a centroid that is the nearest to none stays where it is.
 *
 * The products of vectors and centroids are computed block by block, so that only `b · K` are in
 * memory at a time. Sums are in double precision. Between two moves, signals and timers are handled.
 *
 * @param blocks Unit vectors, `[b, E]` each.
 * @param rows The vectors from which the K centroids start, as places in the joined blocks.
 */
export async function sphericalKMeans(
  blocks: readonly tf.Tensor2D[],
  rows: Uint32Array,
): Promise<Clustering> {
  const vectors = await Promise.all(blocks.map((block) => block.data<"float32">()));
  const E = blocks[0]!.shape[1];
  const centroids = new Float32Array(rows.length * E);
  rows.forEach((row, k) => centroids.set(vectorAt(vectors, E, row), k * E));
  for (let i = 0; i < iterations; i++) {
    move(centroids, vectors, await nearestOf(blocks, centroids), E);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { centroids, nearest: await nearestOf(blocks, centroids) };
}

function vectorAt(blocks: readonly Float32Array[], E: number, row: number): Float32Array {
  let at = row * E;
  for (const block of blocks) {
    if (at < block.length) return block.subarray(at, at + E);
    at -= block.length;
  }
  throw new RangeError(`Cannot start a centroid from vector ${row}: there are not as many`);
}

/** The E step: the nearest centroid of each vector, the first of them if several are. */
async function nearestOf(
  blocks: readonly tf.Tensor2D[],
  centroids: Float32Array,
): Promise<Int32Array> {
  const E = blocks[0]!.shape[1];
  const nearest = new Int32Array(blocks.reduce((sum, { shape: [b] }) => sum + b, 0));
  let first = 0;
  const all = tf.tensor2d(centroids, [centroids.length / E, E]);
  for (const block of blocks) {
    const found = tf.tidy(() => tf.matMul(block, all, false, true).argMax(1));
    nearest.set(await found.data<"int32">(), first);
    found.dispose();
    first += block.shape[0];
  }
  all.dispose();
  return nearest;
}

/** The M step, in place: each centroid that is the nearest to any vector moves to their mean. */
function move(
  centroids: Float32Array,
  blocks: readonly Float32Array[],
  nearest: Int32Array,
  E: number,
): void {
  const sums = new Float64Array(centroids.length);
  const counts = new Uint32Array(centroids.length / E);
  let vector = 0;
  for (const block of blocks) {
    for (let at = 0; at < block.length; at += E) {
      const k = nearest[vector++]!;
      counts[k]!++;
      for (let e = 0; e < E; e++) sums[k * E + e]! += block[at + e]!;
    }
  }
  counts.forEach((count, k) => {
    if (count === 0) return;
    const mean = sums.subarray(k * E, (k + 1) * E).map((sum) => sum / count);
    const length = Math.max(Math.hypot(...mean), 1e-12);
    centroids.set(mean.map((value) => value / length), k * E);
  });
}
