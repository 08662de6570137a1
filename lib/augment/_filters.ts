/** The weights of Pillow's antialiased filters, in the same fixed-point numbers as in Pillow. */

/**
 * How pixels are interpolated. DINO's crops are `bicubic`; torchvision's default, and so the crops
 * of a linear probe, is `bilinear`.
 */
export type ResizeFilter = "bicubic" | "bilinear";

/**
 * Bits of a weight after the binary point: 32 bits, less 8 for a pixel, less 2 for sign and
 * overshoot.
 */
export const PRECISION = 22;

/**
 * How one axis is resampled: output `x` is the sum over `t` of `weights[x·taps + t] ·
 * input[starts[x] + t]`.
 */
export interface Resampling {
  /** `[outSize]`, the first input pixel of each output pixel. */
  readonly starts: Int32Array;
  /** `[outSize, taps]`, in units of 2^-22. Each row sums to one, up to rounding. */
  readonly weights: Int32Array;
  /**
   * Input pixels per output pixel. Where the filter reaches fewer, the others have the weight 0.
   */
  readonly taps: number;
}

const CACHE_LIMIT = 512;
const cache = new Map<string, Resampling>();

/**
 * A filter: its half width in pixels where the size does not change, and its weight at a distance.
 */
interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

const kernels: Readonly<Record<ResizeFilter, Kernel>> = {
  bicubic: { support: 2, weight: bicubic },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
};

/**
 * The weights that resize `inSize` pixels to `outSize`. They are kept in a cache: a data set asks
 * for the same few sizes again and again.
 */
export function resampling(filter: ResizeFilter, inSize: number, outSize: number): Resampling {
  const key = `${filter} ${inSize} ${outSize}`;
  let weights = cache.get(key);
  if (!weights) {
    if (cache.size === CACHE_LIMIT) cache.clear();
    weights = resamplingOf(filter, inSize, outSize, 0, inSize);
    cache.set(key, weights);
  }
  return weights;
}

/**
 * The weights that resize a part of `inSize` pixels to `outSize`. The part begins at `offset` and
 * is `extent` pixels long; both may be fractions.
 */
export function resamplingOf(
  filter: ResizeFilter,
  inSize: number,
  outSize: number,
  offset: number,
  extent: number,
): Resampling {
  const { support: reach, weight } = kernels[filter];
  const scale = extent / outSize;
  const filterScale = Math.max(scale, 1); // antialiasing: shrinking widens the filter
  const support = reach * filterScale;
  const taps = Math.min(Math.ceil(support) * 2 + 1, inSize);
  const starts = new Int32Array(outSize);
  const rows: Float64Array[] = [];
  for (let x = 0; x < outSize; x++) {
    const center = offset + (x + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const last = Math.min(Math.trunc(center + support + 0.5), inSize);
    starts[x] = first;
    rows.push(normalized(
      Float64Array.from(
        { length: last - first },
        (_, t) => weight((t + first - center + 0.5) / filterScale),
      ),
    ));
  }
  return packed(starts, rows, inSize, Math.min(taps, Math.max(...rows.map((row) => row.length))));
}

/**
 * Packs rows of different lengths, at most `taps`, into one table. A row near the end of the axis
 * starts earlier, with zeros in front.
 */
function packed(
  starts: Int32Array,
  rows: readonly Float64Array[],
  inSize: number,
  taps: number,
): Resampling {
  const weights = new Int32Array(rows.length * taps);
  rows.forEach((row, x) => {
    const first = Math.min(starts[x]!, inSize - taps);
    const shift = starts[x]! - first;
    starts[x] = first;
    row.forEach((w, t) => weights[x * taps + shift + t] = toFixed(w));
  });
  return { starts, weights, taps };
}

function toFixed(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

function normalized(row: Float64Array): Float64Array {
  const sum = row.reduce((total, w) => total + w, 0);
  return sum === 0 ? row : row.map((w) => w / sum);
}

/** Cubic convolution (Keys 1981) with a = −0.5, as in Pillow. */
function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}
