/**
 * Random crops for supervised training and linear probes: torchvision's RandomResizedCrop and
 * RandomHorizontalFlip.
 */
import {
  flipHorizontal,
  type Raster,
  raster,
  resizedCrop,
  sampleCropBox,
} from "lib/augment/mod.ts";
import type { Rng } from "lib/rng.ts";

export interface RandomCropOptions {
  /** Pixels a side of the crop. */
  readonly size: number;
  /** Smallest and largest area of the crop, as fractions of the image's area. */
  readonly scale: readonly [number, number];
}

/** Crops a random box of an image, resizes it bilinearly, and mirrors it with probability 0.5. */
export function randomCrop(image: Raster, { size, scale }: RandomCropOptions, rng: Rng): Raster {
  const { width, height, channels } = image;
  const crop = raster(size, size, channels);
  resizedCrop(image, sampleCropBox(rng, width, height, { scale }), crop, "bilinear");
  if (rng.bernoulli(0.5)) flipHorizontal(crop);
  return crop;
}
