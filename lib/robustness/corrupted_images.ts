/** Whole sets corrupted, an image at a time, so that an image is corrupted alike in whatever set and order it comes. */
import { raster } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/images.ts";
import { corrupt, type CorruptionName, type Severity } from "lib/robustness/corruptions.ts";
import { createRng } from "lib/rng.ts";

/** Which corruption. */
export interface CorruptionOptions {
  readonly name: CorruptionName;
  readonly severity: Severity;
  /** Of everything random; with it, an image's id decides. */
  readonly seed?: number;
}

/**
 * The images of a set, corrupted. Masks are those of the images as they were.
 *
 * Differs: ImageNet-C's files were saved once more as JPEGs of quality 85; these are not.
 *
 * @throws {RangeError} As `corrupt`.
 */
export async function corruptedImages(
  set: ImageSet,
  { name, severity, seed = 0 }: CorruptionOptions,
): Promise<ImageSet> {
  const { width, height } = set;
  const size = width * height * 3;
  const rng = createRng(seed).fork(name).fork(severity);
  const pixels = new Uint8Array(set.pixels.length);
  for (let i = 0; i < imageCount(set); i++) {
    const image = raster(width, height, 3, set.pixels.subarray(i * size, (i + 1) * size));
    pixels.set((await corrupt(image, name, severity, rng.fork(set.ids[i]!))).data, i * size);
  }
  return { ...set, name: `${set.name}, ${name} ${severity}`, pixels };
}
