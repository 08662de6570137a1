/**
 * The settings of SwAV's multi-crop, which DeepCluster-v2 has too (Caron et al. 2020, §3.3 and
 * appendix A; src/multicropdataset.py of their public code).
 */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "./crop_recipe.ts";

/**
 * The settings for ImageNet: crop, flip, strong changes of colour, grey, and blur in half of the
 * crops, local ones too. The standard deviation of red is 0.228 in the public code, elsewhere 0.229.
 */
export const swavCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.14, 1],
  localCrops: 6,
  localSize: 96,
  localScale: [0.05, 0.14],
  flip: 0.5,
  jitter: { brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2, probability: 0.8 },
  grayscale: 0.2,
  blur: [0.5, 0.5, 0.5],
  blurRadius: [0.1, 2],
  solarize: 0,
  stats: { ...imageNetStats, std: [0.228, 0.224, 0.225] },
};
