/** Blur of a camera that moves forward. */
import type { Raster } from "lib/augment/mod.ts";
import { halfEven, toImage } from "lib/robustness/filters/bytes.ts";
import type { Extent } from "lib/robustness/filters/gaussian_filter.ts";

/**
 * Mean of the image and of its enlargements by `start`, `start + step`, … below `stop`, counted as
 * NumPy's arange does.
 */
export function zoomBlur(image: Raster, start: number, stop: number, step: number): Raster {
  const count = Math.ceil((stop - start) / step);
  const sum = new Float64Array(image.data);
  const values = new Float64Array(image.data);
  for (let i = 0; i < count; i++) {
    const { data, width } = enlarged(values, image, start + i * (start + step - start));
    const [from, to] = [width * 3, image.width * 3];
    for (let y = 0; y < image.height; y++) {
      for (let x = 0; x < to; x++) sum[y * to + x]! += data[y * from + x]!;
    }
  }
  return toImage(sum.map((value) => value / (count + 1)), image);
}

/** Values `[height, width, channels]`. */
export interface Enlarged extends Extent {
  readonly data: Float64Array;
}

/**
 * Enlarges the middle of an array linearly, corner to corner, so that it fills the old size. The
 * result may be a little larger where the sides do not divide.
 */
export function enlarged(
  values: Float64Array,
  { height, width, channels }: Extent,
  factor: number,
): Enlarged {
  const down = axis(height, factor);
  const across = axis(width, factor);
  const data = new Float64Array(down.count * across.count * channels);
  const row = new Float64Array(across.part * channels);
  for (let y = 0; y < down.count; y++) {
    const start = (down.first + down.at[y]!) * width * channels + across.first * channels;
    blendRows(values, start, start + down.next[y]! * width * channels, down.share[y]!, row);
    for (let x = 0, o = y * across.count * channels; x < across.count; x++) {
      const left = across.at[x]! * channels;
      const right = left + across.next[x]! * channels;
      const share = across.share[x]!;
      for (let c = 0; c < channels; c++, o++) {
        data[o] = row[left + c]! + share * (row[right + c]! - row[left + c]!);
      }
    }
  }
  return { data, height: down.count, width: across.count, channels };
}

function blendRows(
  from: Float64Array,
  upper: number,
  lower: number,
  share: number,
  out: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) {
    out[i] = from[upper + i]! + share * (from[lower + i]! - from[upper + i]!);
  }
}

/** Source of the pixels of one axis: pixel `at` and, with the given share, the next one. */
interface Axis {
  /** Offset of the part that is enlarged. */
  readonly first: number;
  readonly part: number;
  /** Number of pixels of the result. */
  readonly count: number;
  readonly at: Int32Array;
  /** Step to the next pixel: 1, or 0 at the end. */
  readonly next: Uint8Array;
  readonly share: Float64Array;
}

function axis(side: number, factor: number): Axis {
  const part = Math.ceil(side / factor);
  const count = halfEven(part * factor);
  const places = Float64Array.from(
    { length: count },
    (_, i) => count === 1 ? 0 : i * (part - 1) / (count - 1),
  );
  const at = Int32Array.from(places, Math.floor);
  return {
    first: (side - part) >> 1,
    part,
    count,
    at,
    next: Uint8Array.from(at, (i) => i + 1 < part ? 1 : 0),
    share: places.map((place, i) => place - at[i]!),
  };
}
