/** Pixelation and JPEG. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike } from "lib/robustness/filters/bytes.ts";

/**
 * Shrinks with Pillow's box filter, and enlarges with its nearest filter.
 *
 * @param share Share of each side that is left.
 */
export function pixelate(image: Raster, share: number): Raster {
  const { width, height } = image;
  const across = boxes(width, Math.max(1, Math.trunc(width * share)));
  const down = boxes(height, Math.max(1, Math.trunc(height * share)));
  const small = shrunkRows(image.data, height, width, across);
  const out = emptyLike(image);
  const row = new Uint8Array(across.count * 3);
  let drawn = -1;
  for (let y = 0; y < height; y++) {
    const start = y * width * 3;
    if (down.nearest[y] === drawn) {
      out.data.copyWithin(start, start - width * 3, start);
      continue;
    }
    drawn = down.nearest[y]!;
    meanOfRows(small, down, drawn, row);
    for (let x = 0, i = start; x < width; x++, i += 3) {
      const at = across.nearest[x]! * 3;
      out.data[i] = row[at]!;
      out.data[i + 1] = row[at + 1]!;
      out.data[i + 2] = row[at + 2]!;
    }
  }
  return out;
}

/**
 * Division of one axis into boxes. Pixels of a box have the same weight, in units of 2^-22 as
 * Pillow's.
 */
interface Boxes {
  readonly count: number;
  /** `[count]`, index of the first pixel of each box; `pixels` has the number of its pixels. */
  readonly first: Int32Array;
  readonly pixels: Int32Array;
  readonly weight: Int32Array;
  /** `[side]`, the box that a pixel of the result comes from. */
  readonly nearest: Int32Array;
}

const half = 1 << 21;

function boxes(side: number, count: number): Boxes {
  const scale = side / count;
  const [first, pixels, weight] = [0, 0, 0].map(() => new Int32Array(count)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < count; i++) {
    first[i] = (i + 0.5) * scale - scale / 2 + 0.5;
    pixels[i] = Math.min(Math.trunc((i + 0.5) * scale + scale / 2 + 0.5), side) - first[i]!;
    weight[i] = Math.round((1 << 22) / pixels[i]!);
  }
  return { count, first, pixels, weight, nearest: nearestOf(side, count) };
}

/**
 * Adds up step by step, as Pillow does: where a pixel lies on the edge of two boxes, the rounding
 * decides.
 */
function nearestOf(side: number, count: number): Int32Array {
  const step = count / side;
  const nearest = new Int32Array(side);
  for (let x = 0, place = step * 0.5; x < side; x++, place += step) {
    nearest[x] = Math.min(Math.trunc(place), count - 1);
  }
  return nearest;
}

/**
 * Shrinks every row: `[height, count, 3]`. It works column by column, since all boxes of a column
 * have equally many pixels.
 */
function shrunkRows(data: Uint8Array, height: number, width: number, boxes: Boxes): Uint8Array {
  const { count, first, pixels, weight } = boxes;
  const out = new Uint8Array(height * count * 3);
  for (let x = 0; x < count; x++) {
    const w = weight[x]!;
    const length = 3 * pixels[x]!;
    let from = 3 * first[x]!;
    let o = 3 * x;
    for (let y = 0; y < height; y++, from += 3 * width, o += 3 * count) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let i = from; i < from + length; i += 3) {
        r += data[i]!;
        g += data[i + 1]!;
        b += data[i + 2]!;
      }
      out[o] = (Math.imul(r, w) + half) >> 22;
      out[o + 1] = (Math.imul(g, w) + half) >> 22;
      out[o + 2] = (Math.imul(b, w) + half) >> 22;
    }
  }
  return out;
}

/** Mean of the rows of box `index`. */
function meanOfRows(
  from: Uint8Array,
  { first, pixels, weight }: Boxes,
  index: number,
  row: Uint8Array,
): void {
  const length = row.length;
  const start = first[index]! * length;
  const w = weight[index]!;
  if (pixels[index] === 1) {
    row.set(from.subarray(start, start + length));
  } else if (pixels[index] === 2) {
    for (let i = 0; i < length; i++) {
      row[i] = (from[start + i]! + from[start + length + i]! + 1) >> 1;
    }
  } else {
    const end = start + pixels[index]! * length;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let at = start + i; at < end; at += length) sum += from[at]!;
      row[i] = (Math.imul(sum, w) + half) >> 22;
    }
  }
}

/**
 * Saves as JPEG and reads it back, with Pillow's defaults: colour at half the resolution, standard
 * tables.
 */
export async function jpegCompression(image: Raster, quality: number): Promise<Raster> {
  const { default: sharp } = await import("sharp");
  const { data, width, height } = image;
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    // a better code would cost time and give the same pixels
    .jpeg({ quality, optimiseCoding: false }).toBuffer();
  // our own file: no profile and no alpha to look for
  const pixels = await sharp(file).raw().toBuffer();
  return { data: pixels, width, height, channels: 3 };
}
