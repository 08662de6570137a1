/** Luma as Pillow computes it: ITU-R 601 in fixed-point numbers of 16 bits, rounded. */
import type { Raster } from "./raster.ts";

/** The luma of one RGB pixel, 0–255. The luma of a grey is that grey, exactly. */
export function luma(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
}

/**
 * Writes the luma of an image to `out`.
 *
 * @param out An image of the same size with one channel; it is overwritten.
 * @throws {TypeError} If `out` has another size or more channels.
 */
export function toGrayscale(image: Raster, out: Raster): void {
  if (out.channels !== 1 || out.width !== image.width || out.height !== image.height) {
    throw new TypeError(
      `Cannot write the luma of ${image.width} x ${image.height} pixels to ` +
        `${out.width} x ${out.height} pixels of ${out.channels} channels`,
    );
  }
  if (image.channels === 1) {
    out.data.set(image.data);
    return;
  }
  const { data } = image;
  for (let p = 0, i = 0; p < out.data.length; p++, i += 3) {
    out.data[p] = luma(data[i]!, data[i + 1]!, data[i + 2]!);
  }
}
