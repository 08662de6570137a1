/** The settings of MoBY's two views (Xie et al. 2021; data/build.py of its public code). */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * MoBY's own settings for ImageNet, which are BYOL's: crop, flip, colours, grey, blur (always in the
 * first view, one time in ten in the second), solarise (in the second view only).
 *
 * Differs: crops are scaled by bicubic interpolation, where torchvision's default, which the public
 * code uses, is bilinear.
 */
export const mobyCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.08, 1],
  localCrops: 0,
  localSize: 96, // not used: there are no local crops
  localScale: [0.05, 0.4],
  flip: 0.5,
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8 },
  grayscale: 0.2,
  blur: [1, 0.1, 0],
  blurRadius: [0.1, 2],
  solarize: 0.2,
  stats: imageNetStats,
};
