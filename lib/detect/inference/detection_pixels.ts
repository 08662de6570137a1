/**
 * Batches of pictures of several sizes.
 *
 * B pictures, H × W pixels: the largest height and width, rounded up to the stride.
 */
import { type ChannelStats, normalize, normalizeTable, type Raster } from "lib/augment/mod.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

const stride = 32; // pixels of a picture per position of the coarsest stage's map

/** A batch outside the engine, in JavaScript's memory. */
export interface DetectionPixels extends ImageSize {
  /** `[B, H, W, 3]`, normalised; each picture at the top left, zeros to its right and below. */
  readonly values: Float32Array;
}

/**
 * Puts pictures into one batch.
 *
 * @param pictures Pictures of three channels or one.
 * @param stats Normalisation of the pictures; the padding stays zero.
 * @throws {RangeError} If there is no picture.
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
