/**
 * The settings of SimCLR's two views (Chen et al. 2020a, appendix A; tf2/data_util.py of its public
 * code).
 */
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * SimCLR's own settings for ImageNet. The order and the probabilities are those of the public code:
 * crop, flip, colours at strength 1 in a random order, grey, blur (in half of the views). Pixels
 * stay in [0, 1]: they are not normalised.
 *
 * Differs: colours change on bytes as in Pillow and torchvision, as in all recipes here; so
 * brightness is a factor, as by default in the public code, where SimCLR's paper adds a number. The
 * public code blurs a batch and view by one standard deviation, where here each image has its own.
 * Its blur has a window of a tenth of the crop's height and zeros beyond the edges, where Pillow's
 * repeats the edge. Crops are scaled by antialiased bicubic interpolation, where its is not
 * antialiased.
 */
export const simclrCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.08, 1],
  localCrops: 0,
  localSize: 96, // not used: there are no local crops
  localScale: [0.05, 0.4],
  flip: 0.5,
  jitter: { brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2, probability: 0.8 },
  grayscale: 0.2,
  blur: [0.5, 0.5, 0],
  blurRadius: [0.1, 2],
  solarize: 0,
  stats: { mean: [0, 0, 0], std: [1, 1, 1] },
};
