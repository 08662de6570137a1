/** RandomResizedCrop: a random box of an image, resized to a square with one of Pillow's filters. */
import {
  type Resampling,
  resampling,
  resamplingOf,
  type ResizeFilter,
} from "lib/augment/_filters.ts";
import { copyRows, resampleColumns, resampleRows } from "lib/augment/_resample.ts";
import type { Raster } from "lib/augment/raster.ts";
import type { Rng } from "lib/rng.ts";

export type { ResizeFilter } from "lib/augment/_filters.ts";

/** A region of an image, in pixels; not necessarily whole ones. */
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
  if (box.width === out.width && across.whole) copyRows(from, between, rowLength, down.count);
  else resampleRows(from, between, down.count, image.channels, axisOf(filter, across, out.width));
  if (box.height === out.height && down.whole) copyRows(between, to, rowLength, down.count);
  else resampleColumns(between, to, rowLength, axisOf(filter, down, out.height));
}

/** The pixels that a side of a box touches, and where among them it lies. */
interface Span {
  readonly first: number;
  readonly count: number;
  readonly offset: number;
  readonly extent: number;
  /** Whether it covers all of them. */
  readonly whole: boolean;
}

function spanOf(start: number, extent: number): Span {
  const first = Math.floor(start);
  const count = Math.ceil(start + extent) - first;
  return { first, count, offset: start - first, extent, whole: extent === count };
}

function axisOf(filter: ResizeFilter, span: Span, outSize: number): Resampling {
  const { count, offset, extent, whole } = span;
  return whole
    ? resampling(filter, count, outSize)
    : resamplingOf(filter, count, outSize, offset, extent);
}

/** @throws What {@linkcode resizedCrop} throws. */
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

/** Rows between the passes: grown when a larger crop comes, else reused. Nothing here awaits, so nobody shares it. */
let rowsBuffer = new Uint8Array(0);

function scratch(length: number): Uint8Array {
  if (rowsBuffer.length < length) rowsBuffer = new Uint8Array(length);
  return rowsBuffer;
}
