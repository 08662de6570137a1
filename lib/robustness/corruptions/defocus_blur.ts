/**
 * Blur of a lens out of focus: the mean over a disk with a soft rim.
 *
 * The three bytes of a pixel are packed into one number, whose 53 bits have room for three sums of
 * 500 bytes: one addition then adds all three.
 *
 * W pixels per row, r the disk's radius.
 */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/filters/bytes.ts";
import { borderIndex, padRow } from "lib/robustness/filters/rows.ts";

const green = 2 ** 17;
const blue = 2 ** 34;

/**
 * Blurs with the reference's kernel: a disk of whole pixels, which is itself blurred over 3 × 3
 * pixels, in a square of at least 17 pixels.
 *
 * Where the disk touches the edge of that square, the blur of the kernel mirrors what is inside, so
 * the kernel adds up to more than 1: see {@linkcode rim}. For radii above 8 pixels the reference
 * blurs the disk over 5 × 5; the outermost weights, a thousandth in all, are left out here.
 *
 * @param radius Radius of the disk in pixels, at most 12; below 1 the disk is one pixel, and only
 *   the soft rim blurs.
 * @param soft Standard deviation of the rim's blur, in pixels.
 */
export function defocusBlur(image: Raster, radius: number, soft: number): Raster {
  const disk = diskOf(radius);
  const neighbour = Math.exp(-0.5 / soft ** 2);
  const side = neighbour / (1 + 2 * neighbour);
  const sums = diskSums(image, disk, radius >= 8 ? side : 0);
  for (let i = 0; i < sums.length; i++) sums[i]! /= disk.area;
  return softened(sums, image, side);
}

/** Rows of a disk that have the same width: `from` to `to` above its middle and below it. */
interface Band {
  readonly from: number;
  readonly to: number;
  /** Pixels to either side of the middle. */
  readonly half: number;
}

interface Disk {
  /** Whole pixels from the middle to the edge. */
  readonly radius: number;
  /** Area in pixels. */
  readonly area: number;
  /** Bands from the middle outwards. */
  readonly bands: readonly Band[];
}

function diskOf(radius: number): Disk {
  const bands: Band[] = [];
  let area = 0;
  for (let dy = 0; dy <= radius; dy++) {
    const half = Math.floor(Math.sqrt(radius ** 2 - dy ** 2));
    area += (dy === 0 ? 1 : 2) * (2 * half + 1);
    const last = bands.at(-1);
    if (last?.half === half) bands[bands.length - 1] = { ...last, to: dy };
    else bands.push({ from: dy, to: dy, half });
  }
  return { radius: Math.floor(radius), area, bands };
}

/**
 * Sums over the disk around each pixel, plus `extra` times those over its {@linkcode rim}:
 * `[height, width, 3]`.
 */
function diskSums(image: Raster, disk: Disk, extra: number): Float64Array {
  const { width, height } = image;
  const rows = packedRows(image, disk.radius);
  const out = new Float64Array(width * height * 3);
  const sum = new Float64Array(width);
  const band = new Float64Array(rows.stride);
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    for (const { from, to, half } of disk.bands) {
      addRows(rows, y, from, to, band);
      slide(band, disk.radius - half, 2 * half + 1, sum);
    }
    unpack(sum, 1, out, y * width * 3);
    if (extra > 0) unpack(rim(rows, y, disk, width), extra, out, y * width * 3);
  }
  return out;
}

/**
 * Rows of an image, mirrored at its edges, with three bytes packed in each number: `[height,
 * stride]`.
 */
interface PackedRows {
  readonly data: Float64Array;
  readonly height: number;
  /** W + 2r */
  readonly stride: number;
}

function packedRows({ data, width, height }: Raster, margin: number): PackedRows {
  const stride = width + 2 * margin;
  const packed = new Float64Array(width);
  const out = new Float64Array(height * stride);
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width * 3; x < width; x++, i += 3) {
      packed[x] = data[i]! + data[i + 1]! * green + data[i + 2]! * blue;
    }
    const row = out.subarray(y * stride, (y + 1) * stride);
    padRow(packed, 0, width, 1, margin, "mirror", row);
  }
  return { data: out, height, stride };
}

/** Sum of the rows `from` to `to` above row `y` and below it. */
function addRows(
  { data, height, stride }: PackedRows,
  y: number,
  from: number,
  to: number,
  out: Float64Array,
): void {
  for (let dy = from; dy <= to; dy++) {
    const above = borderIndex(y - dy, height, "mirror") * stride;
    const below = borderIndex(y + dy, height, "mirror") * stride;
    if (dy === 0) {
      out.set(data.subarray(above, above + stride));
    } else if (dy === from) {
      for (let x = 0; x < stride; x++) out[x] = data[above + x]! + data[below + x]!;
    } else {
      for (let x = 0; x < stride; x++) out[x]! += data[above + x]! + data[below + x]!;
    }
  }
}

/** Adds to each value of `out` a sum of `count` numbers, the first of them `start` further on. */
function slide(from: Float64Array, start: number, count: number, out: Float64Array): void {
  let sum = 0;
  for (let x = start; x < start + count; x++) sum += from[x]!;
  out[0]! += sum;
  for (let x = 1; x < out.length; x++) {
    sum += from[start + count + x - 1]! - from[start + x - 1]!;
    out[x]! += sum;
  }
}

/**
 * The surplus of the reference's kernel: where its blur looks beyond the square, it sees the second
 * row from the edge once more, mirrored. So that row counts twice at each of the four edges.
 *
 * @returns `[W]`, packed.
 */
function rim(rows: PackedRows, y: number, { radius, bands }: Disk, width: number): Float64Array {
  const out = new Float64Array(width);
  const band = new Float64Array(rows.stride);
  const { half } = bands.find(({ to }) => to >= radius - 1)!;
  addRows(rows, y, radius, radius, band);
  slide(band, radius - half, 2 * half + 1, out);
  addRows(rows, y, 0, half, band); // a disk's columns are as long as its rows
  for (let x = 0; x < width; x++) out[x]! += band[x]! + band[x + 2 * radius]!;
  return out;
}

/** Adds the three sums in each number, weighted, to the result. */
function unpack(packed: Float64Array, weight: number, out: Float64Array, at: number): void {
  for (let x = 0, i = at; x < packed.length; x++, i += 3) {
    const b = Math.floor(packed[x]! / blue);
    const rest = packed[x]! - b * blue;
    const g = Math.floor(rest / green);
    out[i]! += weight * (rest - g * green);
    out[i + 1]! += weight * g;
    out[i + 2]! += weight * b;
  }
}

/**
 * Weighted sum of each value with its neighbours, `side` being the weight of each, down and then
 * across; mirrored at the edges.
 */
function softened(values: Float64Array, image: Raster, side: number): Raster {
  const { width, height } = image;
  const out = emptyLike(image);
  const length = width * 3;
  const middle = 1 - 2 * side;
  const column = new Float64Array(length);
  const row = new Float64Array(length + 6);
  for (let y = 0; y < height; y++) {
    const at = y * length;
    const above = borderIndex(y - 1, height, "mirror") * length;
    const below = borderIndex(y + 1, height, "mirror") * length;
    for (let i = 0; i < length; i++) {
      column[i] = middle * values[at + i]! + side * (values[above + i]! + values[below + i]!);
    }
    padRow(column, 0, width, 3, 1, "mirror", row);
    for (let i = 0; i < length; i++) {
      out.data[at + i] = toByte(middle * row[i + 3]! + side * (row[i]! + row[i + 6]!));
    }
  }
  return out;
}
