/** How alike all patches are to one of them. B images, H W map, C channels. */
import type { PatchFeatures } from "lib/explain/patch_features.ts";

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
