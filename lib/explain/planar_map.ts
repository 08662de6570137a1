/** A map of feature vectors on a plane, by UMAP. N vectors, D features. */
import { UMAP } from "umap-js";
import type { Rng } from "lib/rng.ts";

/** How a map is made. */
export interface PlanarMapOptions {
  /** Where random numbers come from: the same stream gives the same map. */
  readonly rng: Rng;
  /** Neighbours of each vector that the map tries to keep near; by default 15, as in UMAP. */
  readonly neighbours?: number;
  /** Smallest distance of points on the map; by default 0.1, as in UMAP. */
  readonly minDist?: number;
}

/**
 * Places vectors on a plane so that each stays near those that it has the largest cosines with
 * (UMAP, McInnes et al. 2018). Distances between far points, the size of a cluster and the axes mean
 * nothing. A thousand vectors take some two seconds.
 *
 * Differs: neighbours are found exactly, those of equal cosine in the order of the vectors; and
 * points start at random places, as umap-js has it, not at those of a spectral layout.
 *
 * @param features `[N, D]`
 * @returns `[N, 2]`
 * @throws {RangeError} If there are no more vectors than `neighbours`, or a feature is not finite.
 */
export function planarMap(
  features: Float32Array,
  dim: number,
  { rng, neighbours = 15, minDist = 0.1 }: PlanarMapOptions,
): [x: number, y: number][] {
  const count = features.length / dim;
  if (!(Number.isInteger(neighbours) && neighbours > 1 && count > neighbours)) {
    throw new RangeError(
      `Cannot map ${count} vectors by ${neighbours} neighbours: need two or more, and more vectors`,
    );
  }
  const { indices, distances } = nearest(unitRows(features, dim), dim, neighbours);
  const umap = new UMAP({ nNeighbors: neighbours, minDist, random: () => rng.uniform() });
  umap.setPrecomputedKNN(indices, distances);
  return umap.fit(indices) as [number, number][]; // it counts the rows, and reads neighbours only
}

/**
 * Vectors of length 1; a vector of zeros stays one.
 *
 * @param features `[N, D]`
 * @throws {RangeError} If a feature is not finite.
 */
export function unitRows(features: Float32Array, dim: number): Float64Array {
  const rows = Float64Array.from(features);
  for (let from = 0; from < rows.length; from += dim) {
    const row = rows.subarray(from, from + dim);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (!Number.isFinite(length)) {
      throw new RangeError(`Cannot map features: vector ${from / dim} has one that is not finite`);
    }
    if (length > 0) row.forEach((value, d) => row[d] = value / length);
  }
  return rows;
}

/** For each row, itself and its nearest others, nearest first; distances are 1 − cosine. */
function nearest(units: Float64Array, dim: number, neighbours: number) {
  const count = units.length / dim;
  const [indices, distances]: [number[][], number[][]] = [[], []];
  for (let a = 0; a < count; a++) {
    const far = Float64Array.from({ length: count }, (_, b) => {
      if (a === b) return -1; // before all others
      let cosine = 0;
      for (let d = 0; d < dim; d++) cosine += units[a * dim + d]! * units[b * dim + d]!;
      return Math.max(1 - cosine, 0);
    });
    const order = Array.from(far, (_, b) => b).sort((b, c) => far[b]! - far[c]! || b - c)
      .slice(0, neighbours);
    indices.push(order);
    distances.push(order.map((b) => Math.max(far[b]!, 0)));
  }
  return { indices, distances };
}

/**
 * How far a map may be believed (Venna and Kaski 2001): 1 if the `k` nearest points of each on the
 * map are its `k` nearest by cosine too, about 0.5 if the map is random. A point that is near on the
 * map alone counts by how far off it is in the features.
 *
 * @param features `[N, D]`
 * @param points `[N, 2]`
 * @throws {RangeError} If `k` is not from 1 to below N/2.
 */
export function trustworthiness(
  features: Float32Array,
  dim: number,
  points: readonly (readonly [number, number])[],
  k = 15,
): number {
  const { length: count } = points;
  if (!(Number.isInteger(k) && k >= 1 && k < count / 2)) {
    throw new RangeError(
      `Cannot judge a map of ${count} points by ${k} neighbours: need 1 to below ${count / 2}`,
    );
  }
  const { indices } = nearest(unitRows(features, dim), dim, count);
  let penalty = 0;
  indices.forEach((order, a) => {
    const rank = new Int32Array(count);
    order.forEach((b, place) => rank[b] = place); // 0 is the vector itself
    const [x, y] = points[a]!;
    const far = points.map(([u, v]) => Math.hypot(u - x, v - y));
    const near = points.map((_, b) => b).filter((b) => b !== a)
      .sort((b, c) => far[b]! - far[c]! || b - c).slice(0, k);
    for (const b of near) penalty += Math.max(rank[b]! - k, 0);
  });
  return 1 - 2 * penalty / (count * k * (2 * count - 3 * k - 1));
}
