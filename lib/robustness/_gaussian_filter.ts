/** SciPy's Gaussian filter, with which the reference blurs images, noise and displacements. */
import { type Border, borderIndex, padRow, symmetricRow } from "lib/robustness/_rows.ts";

/** An array `[height, width, channels]`. */
export interface Extent {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface GaussianFilterOptions {
  /** Where the filter is cut, in standard deviations. */
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
  const [down, across] = sigma.map((s) => halfGaussian(s, truncate)) as [
    Float64Array,
    Float64Array,
  ];
  const length = width * channels;
  const out = new Float64Array(values.length);
  const [before, after] = [new Int32Array(down.length), new Int32Array(down.length)];
  const [left, right] = [new Int32Array(across.length), new Int32Array(across.length)];
  const margin = across.length - 1;
  for (let t = 1; t <= margin; t++) {
    left[t] = (margin - t) * channels;
    right[t] = (margin + t) * channels;
  }
  const column = new Float64Array(length);
  const padded = new Float64Array(length + 2 * margin * channels);
  for (let y = 0; y < height; y++) {
    for (let t = 1; t < down.length; t++) {
      before[t] = borderIndex(y - t, height, border) * length;
      after[t] = borderIndex(y + t, height, border) * length;
    }
    symmetricRow(values, y * length, before, after, down, column, 0, length);
    padRow(column, 0, width, channels, margin, border, padded);
    symmetricRow(padded, margin * channels, left, right, across, out, y * length, length);
  }
  return out;
}

/** The weights from the middle outwards; with those of the other side they add up to 1. */
function halfGaussian(sigma: number, truncate: number): Float64Array {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const half = Float64Array.from(
    { length: radius + 1 },
    (_, x) => x === 0 ? 1 : Math.exp(-0.5 * (x / sigma) ** 2),
  );
  const sum = half.reduce((total, w) => total + w, 0);
  return half.map((w) => w / (2 * sum - 1));
}
