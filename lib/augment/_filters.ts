/** The weights of Pillow's antialiased filters, in its fixed point. */

/** How pixels are interpolated: `bicubic` is DINO's crops', `bilinear` torchvision's default and so a linear probe's. */
export type ResizeFilter = "bicubic" | "bilinear";

/** Bits after the point of a weight: 32, less 8 of a pixel, less 2 for sign and overshoot. */
export const PRECISION = 22;

/** How one axis is resampled: output `x` is the sum of `weights[x·taps + t] · input[starts[x] + t]`. */
export interface Resampling {
  /** `[outSize]`, the first input pixel of each output pixel. */
  readonly starts: Int32Array;
  /** `[outSize, taps]`, in units of 2^-22. Rows sum to one (to rounding). */
  readonly weights: Int32Array;
  /** Input pixels per output pixel; where fewer are in reach, the rest weigh 0. */
  readonly taps: number;
}

const CACHE_LIMIT = 512;
const cache = new Map<string, Resampling>();

/** A filter's half width in pixels, at no change of size, and its weight at a distance. */
interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

const kernels: Readonly<Record<ResizeFilter, Kernel>> = {
  bicubic: { support: 2, weight: bicubic },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
};

/** The weights that take `inSize` pixels to `outSize`. Kept: a data set asks for the same few again and again. */
export function resampling(filter: ResizeFilter, inSize: number, outSize: number): Resampling {
  const key = `${filter} ${inSize} ${outSize}`;
  let found = cache.get(key);
  if (!found) {
    if (cache.size === CACHE_LIMIT) cache.clear();
    found = resamplingOf(filter, inSize, outSize, 0, inSize);
    cache.set(key, found);
  }
  return found;
}

/** The weights that take the `extent` pixels from `offset` on, of `inSize` there are, to `outSize`; both may be fractions. */
export function resamplingOf(
  filter: ResizeFilter,
  inSize: number,
  outSize: number,
  offset: number,
  extent: number,
): Resampling {
  const { support: reach, weight } = kernels[filter];
  const scale = extent / outSize;
  const filterScale = Math.max(scale, 1); // shrinking widens the filter, which is the antialiasing
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

/** Rows of different lengths, at most `taps`, in one table; a row near the end starts earlier, with zeros in front. */
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

/** Keys' cubic convolution with a = −0.5, Pillow's. */
function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}
