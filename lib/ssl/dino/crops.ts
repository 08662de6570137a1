/**
 * The settings of DINO's multi-crop (Caron et al. 2021, §3.1; order and probabilities as in its
 * public code).
 */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/** DINO's own settings for ImageNet. */
export const dinoCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.4, 1],
  localCrops: 8,
  localSize: 96,
  localScale: [0.05, 0.4],
  flip: 0.5,
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8 },
  grayscale: 0.2,
  blur: [1, 0.1, 0.5],
  blurRadius: [0.1, 2],
  solarize: 0.2,
  stats: imageNetStats,
};
