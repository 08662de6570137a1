/**
 * What supervised training and linear probes see of an image: torchvision's RandomResizedCrop and
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
  /** Smallest and largest share of the image's area, fractions. */
  readonly scale: readonly [number, number];
}

/** A random box of an image, resized bilinearly, and mirrored every second time. */
export function randomCrop(image: Raster, { size, scale }: RandomCropOptions, rng: Rng): Raster {
  const { width, height, channels } = image;
  const crop = raster(size, size, channels);
  resizedCrop(image, sampleCropBox(rng, width, height, { scale }), crop, "bilinear");
  if (rng.bernoulli(0.5)) flipHorizontal(crop);
  return crop;
}
