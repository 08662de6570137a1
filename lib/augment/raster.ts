/**
 * 8-bit images, which every augmentation reads and writes: with Pillow's type of pixel, its results
 * are Pillow's.
 */

/** An 8-bit image: `data` is `[height, width, channels]`; one channel is grey, three are RGB. */
export interface Raster {
  /** Values 0–255, row by row, the channels of a pixel beside each other. */
  readonly data: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** Values of a pixel: 1 if the image is grey, 3 if it is RGB. */
  readonly channels: 1 | 3;
}

/**
 * Makes an image of `data`, which is not copied; without `data`, the image is black.
 *
 * @throws {RangeError} If a side is not a positive integer.
 * @throws {TypeError} If `data` does not hold width × height × channels values.
 */
export function raster(
  width: number,
  height: number,
  channels: 1 | 3 = 3,
  data: Uint8Array = new Uint8Array(width * height * channels),
): Raster {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new RangeError(`Cannot make an image of ${width} x ${height}: need at least one pixel`);
    }
  }
  if (data.length !== width * height * channels) {
    throw new TypeError(
      `Cannot make a ${width} x ${height} image of ${channels} channels from ${data.length} values`,
    );
  }
  return { data, width, height, channels };
}
