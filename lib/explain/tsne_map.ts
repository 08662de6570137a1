/** Vectors as points on a plane, by t-SNE. N vectors, D features. */
import { TSNE } from "@saehrimnir/druidjs";
import type { Rng } from "lib/rng.ts";
import { unitRows } from "lib/explain/planar_map.ts";

/** How a t-SNE map is made. */
export interface TsneMapOptions {
  /** Where random numbers come from: the same stream gives the same map. */
  readonly rng: Rng;
  /** About how many neighbours a vector has; by default 30. */
  readonly perplexity?: number;
  /** Steps of the descent; by default 1,000, as in the paper. */
  readonly iterations?: number;
}

/**
 * Places vectors on a plane so that neighbours by cosine stay neighbours (t-SNE, van der Maaten and
 * Hinton 2008): the chances by which each vector would choose another as its neighbour, among the
 * vectors and on the map, become as alike as they can. Distances between far points, the size of a
 * cluster and the axes mean nothing. Each step takes time and memory as N².
 *
 * Distances are those of vectors of length 1, whose squares are 2 − 2 · cosine.
 *
 * @param features `[N, D]`
 * @returns `[N, 2]`
 * @throws {RangeError} If `perplexity` is not from 1 to below N − 1, or a feature is not finite.
 */
export function tsneMap(
  features: Float32Array,
  dim: number,
  { rng, perplexity = 30, iterations = 1000 }: TsneMapOptions,
): [x: number, y: number][] {
  const count = features.length / dim;
  if (!(perplexity >= 1 && perplexity < count - 1)) {
    throw new RangeError(
      `Cannot map ${count} vectors by a perplexity of ${perplexity}: need 1 to below ${count - 1}`,
    );
  }
  const units = unitRows(features, dim);
  const rows = Array.from({ length: count }, (_, i) => [...units.subarray(i * dim, (i + 1) * dim)]);
  const seed = Math.floor(rng.uniform() * 2 ** 31);
  return new TSNE(rows, { perplexity, seed }).transform(iterations) as [number, number][];
}
