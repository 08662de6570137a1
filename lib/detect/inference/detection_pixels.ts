/** Pictures of several sizes as one batch. B pictures, H × W pixels: those of the largest sides, rounded up to the stride. */
import { type ChannelStats, normalize, normalizeTable, type Raster } from "lib/augment/mod.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

const stride = 32; // pixels of a picture to one of the coarsest stage's map

/** A batch in the JavaScript heap. */
export interface DetectionPixels extends ImageSize {
  /** `[B, H, W, 3]`, normalised; each picture at the top left, zeros right of it and below. */
  readonly values: Float32Array;
}

/**
 * Lays pictures side by side.
 *
 * @param pictures Of three channels or one.
 * @param stats What they are normalised by; the padding is not, and stays zero.
 * @throws {RangeError} If there is none.
 */
export function batchPictures(pictures: readonly Raster[], stats: ChannelStats): DetectionPixels {
  if (pictures.length === 0) throw new RangeError("Cannot make a batch: there is no picture");
  const largest = (side: "height" | "width") =>
    stride * Math.ceil(Math.max(...pictures.map((picture) => picture[side])) / stride);
  const [height, width] = [largest("height"), largest("width")];
  const values = new Float32Array(pictures.length * height * width * 3);
  const table = normalizeTable(stats);
  pictures.forEach((picture, b) => {
    const { data, channels, width: columns } = picture;
    for (let y = 0; y < picture.height; y++) {
      const from = y * columns * channels;
      const row = data.subarray(from, from + columns * channels);
      normalize(
        { data: row, width: columns, height: 1, channels },
        table,
        values,
        ((b * height + y) * width) * 3,
      );
    }
  });
  return { values, height, width };
}
