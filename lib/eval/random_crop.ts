/** What supervised training and linear probes see of an image: torchvision's RandomResizedCrop and RandomHorizontalFlip. */
import {
  flipHorizontal,
  type Raster,
  raster,
  resizedCrop,
  sampleCropBox,
} from "lib/augment/mod.ts";
import { imageAt, type ImageSet } from "lib/datasets/images.ts";
import type { Rng } from "lib/rng.ts";

/**
 * A random box of an image, resized bilinearly to the image's own size, and mirrored every second time.
 *
 * @param scale Smallest and largest share of the image's area, fractions.
 */
export function randomCrop(
  set: ImageSet,
  index: number,
  scale: readonly [number, number],
  rng: Rng,
): Raster {
  const { height, width } = set;
  const crop = raster(width, height);
  const box = sampleCropBox(rng, width, height, { scale });
  resizedCrop(raster(width, height, 3, imageAt(set, index).pixels), box, crop, "bilinear");
  if (rng.bernoulli(0.5)) flipHorizontal(crop);
  return crop;
}
