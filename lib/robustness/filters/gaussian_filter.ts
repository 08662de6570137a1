/** SciPy's Gaussian filter, which the reference uses on images, noise and displacements. */
import {
  type Border,
  borderIndex,
  padRow,
  symmetricRow,
  type SymmetricTaps,
} from "lib/robustness/filters/rows.ts";

/** An array `[height, width, channels]`. */
export interface Extent {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface GaussianFilterOptions {
  /** Where the filter ends, in standard deviations. */
  readonly truncate?: number;
  readonly border?: Border;
}

/**
 * Blurs every channel, down the columns and then along the rows.
 *
 * @param sigma Standard deviations down and across, in pixels; 0 leaves that axis as it is.
 * @returns `[height, width, channels]`, new.
 */
export function gaussianFilter(
  values: Float64Array,
  { height, width, channels }: Extent,
  sigma: readonly [number, number],
  { truncate = 4, border = "nearest" }: GaussianFilterOptions = {},
): Float64Array {
  const down = gaussianTaps(sigma[0], truncate);
  const across = gaussianTaps(sigma[1], truncate);
  const length = width * channels;
  const out = new Float64Array(values.length);
  for (let t = 0; t < across.radius; t++) {
    across.before[t] = (across.radius - t - 1) * channels;
    across.after[t] = (across.radius + t + 1) * channels;
  }
  const column = new Float64Array(length);
  const padded = new Float64Array(length + 2 * across.radius * channels);
  for (let y = 0; y < height; y++) {
    for (let t = 0; t < down.radius; t++) {
      down.before[t] = borderIndex(y - t - 1, height, border) * length;
      down.after[t] = borderIndex(y + t + 1, height, border) * length;
    }
    symmetricRow(values, y * length, down, column, 0, length);
    padRow(column, 0, width, channels, across.radius, border, padded);
    symmetricRow(padded, across.radius * channels, across, out, y * length, length);
  }
  return out;
}

/**
 * Weights of the filter; those of both sides and the middle add up to 1. Arrays are padded with
 * zeros to a multiple of four.
 */
function gaussianTaps(sigma: number, truncate: number): SymmetricTaps & { radius: number } {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const weights = new Float64Array(Math.max(4, Math.ceil(radius / 4) * 4));
  for (let t = 0; t < radius; t++) weights[t] = Math.exp(-0.5 * ((t + 1) / sigma) ** 2);
  const sum = weights.reduce((total, w) => total + 2 * w, 1);
  const [before, after] = [new Int32Array(weights.length), new Int32Array(weights.length)];
  return { radius, middle: 1 / sum, weights: weights.map((w) => w / sum), before, after };
}
