/** Makes the pixels of one view from its parameters. Nothing here is random. */
import {
  checkCrop,
  colorJitter,
  flipHorizontal,
  gaussianBlur,
  normalize,
  type NormalizeTable,
  type Raster,
  raster,
  resizedCrop,
  solarize,
  toGrayscale,
} from "lib/augment/mod.ts";
import { nativeViews } from "lib/native/views.ts";
import type { ViewParams } from "./sample.ts";

/**
 * Makes the pixels of one view. The order of the operations is the reference's.
 *
 * @param out Array to write to, `[size, size, 3]` from `offset` on.
 * @throws {RangeError} If the box is not inside the image, or `out` ends before the view does.
 */
export function applyView(
  image: Raster,
  params: ViewParams,
  size: number,
  values: NormalizeTable,
  out: Float32Array,
  offset: number,
): void {
  if (nativeViews === undefined) return applyPlainView(image, params, size, values, out, offset);
  checkCrop(image, params.box, image);
  const room = out.subarray(offset, offset + size * size * 3);
  if (room.length < size * size * 3) {
    throw new RangeError(`Cannot write a view of ${size} pixels to the last ${room.length} values`);
  }
  nativeViews.view(image, params, size, values, room);
}

/**
 * Makes the same view, to the last bit, by the operations of `lib/augment`, where there are no
 * native kernels.
 */
export function applyPlainView(
  image: Raster,
  params: ViewParams,
  size: number,
  values: NormalizeTable,
  out: Float32Array,
  offset: number,
): void {
  let crop = canvas(size, image.channels);
  resizedCrop(image, params.box, crop);
  if (params.flip) flipHorizontal(crop);
  if (params.jitter) colorJitter(crop, params.jitter);
  if (params.grayscale && crop.channels === 3) { // one channel takes a third of the work
    const colour = crop;
    crop = canvas(size, 1);
    toGrayscale(colour, crop);
  }
  if (params.blurRadius !== undefined) gaussianBlur(crop, params.blurRadius);
  if (params.solarize) solarize(crop);
  normalize(crop, values, out, offset);
}

/** Memory for crops: one canvas for each size and number of channels, which every crop reuses. */
const canvases = new Map<number, Raster>();

function canvas(size: number, channels: 1 | 3): Raster {
  const key = size * 4 + channels;
  let image = canvases.get(key);
  if (!image) canvases.set(key, image = raster(size, size, channels));
  return image;
}
