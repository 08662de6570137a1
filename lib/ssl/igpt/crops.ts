/** How iGPT's images are made: the whole image, as it is. */
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * The image without any change but its size; pixels lie in [−1, 1], as in the official code. Every
 * image has two views in all methods here; iGPT reads the first one.
 */
export const iGptCrops: CropRecipe = {
  globalSize: 32,
  globalScale: [1, 1],
  localCrops: 0,
  localSize: 32, // not used: there are no local crops
  localScale: [1, 1],
  flip: 0,
  jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0, probability: 0 },
  grayscale: 0,
  blur: [0, 0, 0],
  blurRadius: [0, 0],
  solarize: 0,
  stats: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};
