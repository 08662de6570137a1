/**
 * The settings of BYOL's two views (Grill et al. 2020, appendix B; byol/utils/augmentations.py and
 * dataset.py of its public code).
 */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * BYOL's own settings for ImageNet. The order and the probabilities are those of the public code:
 * crop, flip, colours, grey, blur (always in the first view, one time in ten in the second),
 * solarise (in the second view only).
 *
 * Differs: colours change on bytes as in Pillow and torchvision, as in all recipes here. For
 * brightness, the public code adds a number within ±0.4, where Pillow multiplies by one within 1 ±
 * 0.4. For contrast, it uses the mean of each channel, where Pillow uses the mean luma. It changes
 * saturation in HSV. Its blur has 23 taps and zeros beyond the edges, where Pillow's repeats the
 * edge.
 */
export const byolCrops: CropRecipe = {
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
