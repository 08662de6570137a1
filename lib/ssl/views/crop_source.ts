/** Prepares images in memory for cropping. */
import type { Raster } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";

/** Images ready to be cropped. N images, H × W pixels, C channels. */
export interface CropSource {
  /** Name of the set, for messages. */
  readonly name: string;
  /** `[N, H, W, C]` */
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * The pixels of a set. They are the set's own array or, if all pixels are grey, a copy with one
 * channel: its crops are the same to the last bit and take a third of the time.
 */
export function cropSource(set: ImageSet): CropSource {
  const { name, pixels, width, height } = set;
  const common = { name, count: imageCount(set), width, height };
  if (!isGrey(pixels)) return { ...common, pixels, channels: 3 };
  const grey = new Uint8Array(pixels.length / 3);
  for (let p = 0; p < grey.length; p++) grey[p] = pixels[3 * p]!;
  return { ...common, pixels: grey, channels: 1 };
}

function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
  }
  return true;
}

/** Image `index` of a source, not copied. @throws {RangeError} If there is none. */
export function imageOf(source: CropSource, index: number): Raster {
  const { width, height, channels, count, name } = source;
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new RangeError(`Cannot crop image ${index} of "${name}": it has ${count} images`);
  }
  const length = width * height * channels;
  const data = source.pixels.subarray(index * length, (index + 1) * length);
  return { data, width, height, channels };
}
