/**
 * BYOL's two views (Grill et al. 2020, appendix B; byol/utils/augmentations.py and dataset.py of
 * its public code).
 */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * BYOL's own numbers, for ImageNet. Order and probabilities are those of the public code: crop,
 * flip, colours, grey, blur (always in the first view, one time in ten in the second), solarise (in
 * the second view only).
 *
 * Differs: colours change as Pillow and torchvision change them, on bytes, as in all recipes here.
 * The public code adds to the brightness a number from ±0.4 where Pillow multiplies by one from 1 ±
 * 0.4, takes the contrast about the mean of each channel where Pillow takes the mean luma, and
 * moves the saturation in HSV. Its blur has 23 taps and sees zeros beyond the edges; Pillow's
 * repeats the edge.
 */
export const byolCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.08, 1],
  localCrops: 0,
  localSize: 96, // of no view
  localScale: [0.05, 0.4],
  flip: 0.5,
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8 },
  grayscale: 0.2,
  blur: [1, 0.1, 0],
  blurRadius: [0.1, 2],
  solarize: 0.2,
  stats: imageNetStats,
};
