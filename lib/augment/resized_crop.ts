/** RandomResizedCrop: a random box of an image, resized to a square with Pillow's bicubic filter. */
import { bicubicResampling, PRECISION, type Resampling } from "lib/augment/_bicubic.ts";
import type { Raster } from "lib/augment/raster.ts";
import type { Rng } from "lib/rng.ts";

/** A region of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What {@linkcode sampleCropBox} draws from. */
export interface CropBoxOptions {
  /** Smallest and largest share of the image's area, fractions. */
  readonly scale: readonly [number, number];
  /** Smallest and largest width / height. */
  readonly ratio?: readonly [number, number];
}

/**
 * A random box as torchvision's RandomResizedCrop draws it: uniform area, log-uniform ratio, ten tries to fit, and
 * then the largest centred box of an allowed ratio.
 */
export function sampleCropBox(
  rng: Rng,
  width: number,
  height: number,
  { scale, ratio = [3 / 4, 4 / 3] }: CropBoxOptions,
): Box {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * rng.uniform(scale[0], scale[1]);
    const aspect = Math.exp(rng.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = rng.int(height - h + 1);
      return { left: rng.int(width - w + 1), top, width: w, height: h };
    }
  }
  return centralBox(width, height, ratio);
}

function centralBox(width: number, height: number, ratio: readonly [number, number]): Box {
  const aspect = width / height;
  const h = aspect < ratio[0] ? Math.round(width / ratio[0]) : height;
  const w = aspect > ratio[1] ? Math.round(height * ratio[1]) : width;
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}

/**
 * The box of an image, resized to fill `out`. Pixels outside the box have no influence, as in torchvision, which
 * crops first. Rounds to 8 bits between the horizontal and the vertical pass, as Pillow.
 *
 * @param out Written; any size, the channels of `image`.
 * @throws {RangeError} If the box is not inside the image.
 * @throws {TypeError} If the channels differ.
 */
export function resizedCrop(image: Raster, box: Box, out: Raster): void {
  check(image, box, out);
  const rowLength = out.width * out.channels;
  const rows = scratch(rowLength * box.height);
  const first = (box.top * image.width + box.left) * image.channels;
  const stride = image.width * image.channels;
  if (box.width === out.width) {
    copyRows(image.data, first, stride, rows, rowLength, box.height);
  } else {
    const axis = bicubicResampling(box.width, out.width);
    // Blocks of rows, since the inner loop walks down columns: the block stays in the cache.
    for (let y = 0; y < box.height; y += 32) {
      const count = Math.min(32, box.height - y);
      const from = first + y * stride;
      if (image.channels === 3) {
        resampleRowsRgb(image.data, from, stride, rows, y * rowLength, count, axis);
      } else resampleRowsGrey(image.data, from, stride, rows, y * rowLength, count, axis);
    }
  }
  if (box.height === out.height) copyRows(rows, 0, rowLength, out.data, rowLength, box.height);
  else resampleColumns(rows, out.data, rowLength, bicubicResampling(box.height, out.height));
}

function check(image: Raster, box: Box, out: Raster): void {
  if (image.channels !== out.channels) {
    throw new TypeError(
      `Cannot crop ${image.channels} channels into an image of ${out.channels}`,
    );
  }
  const fits = box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0 &&
    box.left + box.width <= image.width && box.top + box.height <= image.height;
  if (!fits) {
    throw new RangeError(
      `Cannot crop ${box.width} x ${box.height} at (${box.left}, ${box.top}) ` +
        `from an image of ${image.width} x ${image.height}`,
    );
  }
}

/** Rows between the passes: grown when a larger crop comes, else reused. Nothing here awaits, so nobody shares it. */
let rowsBuffer = new Uint8Array(0);

function scratch(length: number): Uint8Array {
  if (rowsBuffer.length < length) rowsBuffer = new Uint8Array(length);
  return rowsBuffer;
}

function copyRows(
  from: Uint8Array,
  start: number,
  stride: number,
  to: Uint8Array,
  length: number,
  rows: number,
): void {
  let target = 0;
  for (let y = 0; y < rows; y++) {
    const source = start + y * stride;
    for (let i = 0; i < length; i++) to[target++] = from[source + i]!;
  }
}

const HALF = 1 << (PRECISION - 1);

function clamp8(sum: number): number {
  const value = sum >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Horizontal pass over `rows` rows of RGB. Columns outside, rows inside: the weights stay in registers. */
function resampleRowsRgb(
  from: Uint8Array,
  start: number,
  stride: number,
  to: Uint8Array,
  target: number,
  rows: number,
  { starts, weights, taps }: Resampling,
): void {
  const rowLength = starts.length * 3;
  for (let x = 0; x < starts.length; x++) {
    let source = start + starts[x]! * 3;
    let at = target + x * 3;
    if (taps === 4) {
      const [a, b, c, d] = [
        weights[x * 4]!,
        weights[x * 4 + 1]!,
        weights[x * 4 + 2]!,
        weights[x * 4 + 3]!,
      ];
      for (let y = 0; y < rows; y++, source += stride, at += rowLength) {
        to[at] = clamp8(
          Math.imul(from[source]!, a) + Math.imul(from[source + 3]!, b) +
            Math.imul(from[source + 6]!, c) + Math.imul(from[source + 9]!, d) + HALF,
        );
        to[at + 1] = clamp8(
          Math.imul(from[source + 1]!, a) + Math.imul(from[source + 4]!, b) +
            Math.imul(from[source + 7]!, c) + Math.imul(from[source + 10]!, d) + HALF,
        );
        to[at + 2] = clamp8(
          Math.imul(from[source + 2]!, a) + Math.imul(from[source + 5]!, b) +
            Math.imul(from[source + 8]!, c) + Math.imul(from[source + 11]!, d) + HALF,
        );
      }
      continue;
    }
    for (let y = 0; y < rows; y++, source += stride, at += rowLength) {
      let [r, g, b] = [HALF, HALF, HALF];
      for (let t = 0, i = source; t < taps; t++, i += 3) {
        const w = weights[x * taps + t]!;
        r = (r + Math.imul(from[i]!, w)) | 0;
        g = (g + Math.imul(from[i + 1]!, w)) | 0;
        b = (b + Math.imul(from[i + 2]!, w)) | 0;
      }
      to[at] = clamp8(r);
      to[at + 1] = clamp8(g);
      to[at + 2] = clamp8(b);
    }
  }
}

/** The same for one channel. */
function resampleRowsGrey(
  from: Uint8Array,
  start: number,
  stride: number,
  to: Uint8Array,
  target: number,
  rows: number,
  { starts, weights, taps }: Resampling,
): void {
  for (let x = 0; x < starts.length; x++) {
    let source = start + starts[x]!;
    let at = target + x;
    for (let y = 0; y < rows; y++, source += stride, at += starts.length) {
      let sum = HALF;
      for (let t = 0; t < taps; t++) {
        sum = (sum + Math.imul(from[source + t]!, weights[x * taps + t]!)) | 0;
      }
      to[at] = clamp8(sum);
    }
  }
}

/** Vertical pass: every output row is a weighted sum of `taps` rows, whatever the channels. */
function resampleColumns(
  from: Uint8Array,
  to: Uint8Array,
  rowLength: number,
  { starts, weights, taps }: Resampling,
): void {
  for (let y = 0; y < starts.length; y++) {
    const source = starts[y]! * rowLength;
    const target = y * rowLength;
    if (taps === 4) {
      const [a, b, c, d] = [
        weights[y * 4]!,
        weights[y * 4 + 1]!,
        weights[y * 4 + 2]!,
        weights[y * 4 + 3]!,
      ];
      const [second, third, fourth] = [
        source + rowLength,
        source + 2 * rowLength,
        source + 3 * rowLength,
      ];
      for (let i = 0; i < rowLength; i++) {
        to[target + i] = clamp8(
          Math.imul(from[source + i]!, a) + Math.imul(from[second + i]!, b) +
            Math.imul(from[third + i]!, c) + Math.imul(from[fourth + i]!, d) + HALF,
        );
      }
      continue;
    }
    for (let i = 0; i < rowLength; i++) {
      let sum = HALF;
      for (let t = 0, j = source + i; t < taps; t++, j += rowLength) {
        sum = (sum + Math.imul(from[j]!, weights[y * taps + t]!)) | 0;
      }
      to[target + i] = clamp8(sum);
    }
  }
}
