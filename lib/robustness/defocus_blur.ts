/** Blur of a lens out of focus: the mean over a disk. */
import type { Raster } from "lib/augment/mod.ts";
import { toImage } from "lib/robustness/_bytes.ts";
import { gaussianFilter } from "lib/robustness/_gaussian_filter.ts";
import { borderIndex, padRow } from "lib/robustness/_rows.ts";

/** @param radius Of the disk, in pixels. @param soft By which its edge is blurred, in pixels. */
export function defocusBlur(image: Raster, radius: number, soft: number): Raster {
  const kernel = diskKernel(radius, soft);
  const reach = (Math.sqrt(kernel.length) - 1) / 2;
  return toImage(filtered(image, kernel, reach), image);
}

/** `[2r + 1, 2r + 1]` with r the radius, at least 8; adds up to 1, but for what the blur lays outside. */
export function diskKernel(radius: number, soft: number): Float64Array {
  const reach = Math.max(radius, 8);
  const side = 2 * reach + 1;
  const disk = Float64Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side - reach, Math.floor(i / side) - reach];
    return x * x + y * y <= radius * radius ? 1 : 0;
  });
  const area = disk.reduce((sum, value) => sum + value, 0);
  const truncate = (radius <= 8 ? 1 : 2) / soft; // a blur of 3 × 3 pixels, or of 5 × 5
  const extent = { height: side, width: side, channels: 1 };
  return gaussianFilter(disk.map((value) => value / area), extent, [soft, soft], {
    truncate,
    border: "mirror",
  });
}

/**
 * A row of a symmetric kernel as what it falls by on the way out: `falls[t]` just beyond `places[t]` pixels from the middle. A
 * disk's rows are level but at their ends.
 */
interface KernelRow {
  /** A multiple of three of them, which are taken in one pass. */
  readonly places: Int32Array;
  readonly falls: Float64Array;
}

/** Falls below this share of the largest weight are left to the next place: the blur's last tail, no hundredth of a byte. */
const level = 1e-3;

/** Rows from the middle of a kernel downwards. */
function kernelRows(kernel: Float64Array, reach: number): KernelRow[] {
  const side = 2 * reach + 1;
  const least = level * kernel[reach * side + reach]!;
  return Array.from({ length: reach + 1 }, (_, dy) => {
    const at = (x: number) => x > reach ? 0 : kernel[(reach + dy) * side + reach + x]!;
    const places: number[] = [];
    const falls: number[] = [];
    for (let x = 0, before = at(0); x <= reach; x++) {
      const fall = before - at(x + 1);
      if (Math.abs(fall) < least) continue;
      places.push(x);
      falls.push(fall);
      before = at(x + 1);
    }
    while (places.length % 3 !== 0) places.push(0), falls.push(0);
    return { places: Int32Array.from(places), falls: Float64Array.from(falls) };
  });
}

/**
 * The image filtered by a kernel that is symmetric about both axes, mirrored at the edges. Every fall of a kernel's row costs
 * one difference of running sums, however many pixels it ends.
 */
function filtered(image: Raster, kernel: Float64Array, reach: number): Float64Array {
  const { data, width, height } = image;
  const rows = kernelRows(kernel, reach);
  const stride = (width + 2 * reach) * 3;
  const padded = new Float64Array(height * stride);
  for (let y = 0; y < height; y++) {
    const row = padded.subarray(y * stride, (y + 1) * stride);
    padRow(data, y * width * 3, width, 3, reach, "mirror", row);
  }
  const out = new Float64Array(data.length);
  const sums = new Float64Array(stride + 3);
  for (let y = 0; y < height; y++) {
    for (let dy = 0; dy <= reach; dy++) {
      const row = rows[dy]!;
      if (row.places.length === 0) continue;
      const upper = borderIndex(y - dy, height, "mirror") * stride;
      const lower = borderIndex(y + dy, height, "mirror") * stride;
      sumPair(padded, upper, lower, stride, dy === 0 ? 0.5 : 1, sums);
      filterRow(sums, row, reach * 3, out, y * width * 3, width * 3);
    }
  }
  return out;
}

/** Two rows added, and their running sums: `sums[i]` is of all pixels to the left. */
function sumPair(
  from: Float64Array,
  upper: number,
  lower: number,
  length: number,
  weight: number,
  sums: Float64Array,
): void {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let i = 0; i < length; i += 3) {
    r += weight * (from[upper + i]! + from[lower + i]!);
    g += weight * (from[upper + i + 1]! + from[lower + i + 1]!);
    b += weight * (from[upper + i + 2]! + from[lower + i + 2]!);
    sums[i + 3] = r;
    sums[i + 4] = g;
    sums[i + 5] = b;
  }
}

function filterRow(
  sums: Float64Array,
  { places, falls }: KernelRow,
  center: number,
  out: Float64Array,
  at: number,
  length: number,
): void {
  const right = center + 3;
  for (let t = 0; t < places.length; t += 3) {
    const a = 3 * places[t]!;
    const b = 3 * places[t + 1]!;
    const c = 3 * places[t + 2]!;
    const p = falls[t]!;
    const q = falls[t + 1]!;
    const r = falls[t + 2]!;
    for (let i = 0; i < length; i++) {
      out[at + i]! += p * (sums[right + a + i]! - sums[center - a + i]!) +
        q * (sums[right + b + i]! - sums[center - b + i]!) +
        r * (sums[right + c + i]! - sums[center - c + i]!);
    }
  }
}
