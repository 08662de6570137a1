/** How alike all patches are to one of them. B images, H W map, C channels. */
import type { PatchFeatures } from "lib/explain/patch_features.ts";
import { principalComponents, projections } from "lib/explain/principal_components.ts";

/** A patch of one of some images, counted from 0. */
export interface Patch {
  /** Which image. */
  readonly image: number;
  /** Row of the map, from the top. */
  readonly row: number;
  /** Column of the map, from the left. */
  readonly column: number;
}

/**
 * The cosine between the features of one patch and those of every patch of all images.
 *
 * Features of all patches have a large part in common, which would make all cosines nearly 1, so the
 * mean over all patches is subtracted first. A patch that is equal to the mean has cosine 0 with
 * all.
 *
 * @returns `[B, H, W]`, −1 to 1.
 * @throws {RangeError} If there is no such patch.
 */
export function patchSimilarities(features: PatchFeatures, patch: Patch): Float32Array {
  const { images, height, width, channels, values } = features;
  checkIndex("image", patch.image, images);
  checkIndex("row", patch.row, height);
  checkIndex("column", patch.column, width);
  const rows = lessMean(values, channels);
  const at = (patch.image * height + patch.row) * width + patch.column;
  const cosine = (a: number, b: number) => {
    const scale = Math.sqrt(dot(rows, a, a, channels) * dot(rows, b, b, channels));
    return scale > 0 ? dot(rows, a, b, channels) / scale : 0;
  };
  return Float32Array.from({ length: images * height * width }, (_, other) => cosine(at, other));
}

/** Short vectors of all patches. */
export interface ShortPatches {
  /** K, numbers of each vector. */
  readonly dim: number;
  /** `[B, H, W, K]`: the largest magnitude of each vector is 127; all 0 where a patch is the mean. */
  readonly vectors: Int8Array;
  /** Share of the patches' variance that the vectors keep, 0 to 1. */
  readonly share: number;
}

/**
 * Vectors of bytes whose cosines are nearly those of {@linkcode patchSimilarities}, few enough to
 * stand in a page: for each patch its first K principal components, scaled to its largest one.
 *
 * Approximate in two ways: components beyond K are left out, and the others are rounded to 1/127 of
 * the largest. The rounding alone changes a cosine by a few thousandths; how much the components that
 * are left out change it depends on the features, and `share` says how much of them is kept.
 *
 * @param count K; where there are fewer channels, their number.
 * @throws {RangeError} If there is no patch, or a feature is not finite.
 */
export function shortPatches({ channels, values }: PatchFeatures, count: number): ShortPatches {
  const dim = Math.min(count, channels);
  const components = principalComponents(values, channels, dim);
  const rows = projections(values, components); // K times [B·H·W]
  const vectors = new Int8Array(rows[0]!.length * dim);
  rows[0]!.forEach((_, patch) => {
    const most = rows.reduce((max, row) => Math.max(max, Math.abs(row[patch]!)), 0);
    rows.forEach((row, k) =>
      vectors[patch * dim + k] = most > 0 ? Math.round(127 * row[patch]! / most) : 0
    );
  });
  return { dim, vectors, share: components.shares.reduce((sum, share) => sum + share, 0) };
}

function checkIndex(what: string, value: number, count: number): void {
  if (Number.isInteger(value) && value >= 0 && value < count) return;
  throw new RangeError(
    `Cannot compare with the patch of ${what} ${value}: there are ${what}s 0 to ${count - 1}`,
  );
}

function lessMean(values: Float32Array, channels: number): Float64Array {
  const mean = new Float64Array(channels);
  const count = values.length / channels;
  values.forEach((value, i) => mean[i % channels]! += value / count);
  return Float64Array.from(values, (value, i) => value - mean[i % channels]!);
}

/** The product of rows `a` and `b`. */
function dot(rows: Float64Array, a: number, b: number, channels: number): number {
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += rows[a * channels + c]! * rows[b * channels + c]!;
  return sum;
}
