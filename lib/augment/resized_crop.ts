/**
 * RandomResizedCrop: a random box of an image, resized to a square with one of Pillow's filters.
 */
import { type Resampling, resampling, resamplingOf, type ResizeFilter } from "./_filters.ts";
import { copyRows, resampleColumns, resampleRows } from "./_resample.ts";
import type { Raster } from "./raster.ts";
import type { Rng } from "lib/rng.ts";

export type { ResizeFilter } from "./_filters.ts";

/** A region of an image, in pixels; the numbers may be fractions. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The ranges that {@linkcode sampleCropBox} draws from. */
export interface CropBoxOptions {
  /** Smallest and largest area of the box, as fractions of the image's area. */
  readonly scale: readonly [number, number];
  /** Smallest and largest width / height. */
  readonly ratio?: readonly [number, number];
}

/**
 * Draws a random box as torchvision's RandomResizedCrop does: uniform area, log-uniform ratio.
 * After ten boxes that do not fit into the image, the result is the largest centred box of an
 * allowed ratio.
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
 * Resizes a box of an image to fill `out`. Pixels outside the box have no influence, as in
 * torchvision, which crops before it resizes. Values are rounded to 8 bits between the horizontal
 * and the vertical pass, as in Pillow.
 *
 * @param out An image of any size with the channels of `image`; it is overwritten.
 * @throws {RangeError} If the box is not inside the image.
 * @throws {TypeError} If the channels differ.
 */
export function resizedCrop(
  image: Raster,
  box: Box,
  out: Raster,
  filter: ResizeFilter = "bicubic",
): void {
  checkCrop(image, box, out);
  const across = spanOf(box.left, box.width);
  const down = spanOf(box.top, box.height);
  const rowLength = out.width * out.channels;
  const rows = scratch(rowLength * down.count);
  const start = (down.first * image.width + across.first) * image.channels;
  const from = { data: image.data, start, stride: image.width * image.channels };
  const between = { data: rows, start: 0, stride: rowLength };
  const to = { data: out.data, start: 0, stride: rowLength };
  if (box.width === out.width && across.aligned) copyRows(from, between, rowLength, down.count);
  else resampleRows(from, between, down.count, image.channels, axisOf(filter, across, out.width));
  if (box.height === out.height && down.aligned) copyRows(between, to, rowLength, down.count);
  else resampleColumns(between, to, rowLength, axisOf(filter, down, out.height));
}

/** The pixels that one side of a box touches, and the place of the box among them. */
interface Span {
  /** Index of the first pixel. */
  readonly first: number;
  readonly count: number;
  /** Distance from the edge of the first pixel to the box, 0 to 1. */
  readonly offset: number;
  /** Length of the box's side, in pixels. */
  readonly extent: number;
  /** True if the box begins and ends at edges of pixels. */
  readonly aligned: boolean;
}

function spanOf(start: number, extent: number): Span {
  const first = Math.floor(start);
  const count = Math.ceil(start + extent) - first;
  return { first, count, offset: start - first, extent, aligned: extent === count };
}

function axisOf(filter: ResizeFilter, span: Span, outSize: number): Resampling {
  const { count, offset, extent, aligned } = span;
  return aligned
    ? resampling(filter, count, outSize)
    : resamplingOf(filter, count, outSize, offset, extent);
}

/**
 * Checks the arguments of {@linkcode resizedCrop}.
 *
 * @throws {RangeError} If the box is not inside the image.
 * @throws {TypeError} If the channels differ.
 */
export function checkCrop(image: Raster, box: Box, out: Raster): void {
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

/**
 * A buffer for the rows between the two passes. All calls use the same one, which grows with the
 * largest crop: the code here is synchronous, so two calls never overlap.
 */
let rowsBuffer = new Uint8Array(0);

function scratch(length: number): Uint8Array {
  if (rowsBuffer.length < length) rowsBuffer = new Uint8Array(length);
  return rowsBuffer;
}
