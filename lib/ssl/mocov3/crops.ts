/** The settings of MoCo v3's two views (Chen et al. 2021; main_moco.py of its public code). */
import { imageNetStats } from "lib/augment/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";

/**
 * MoCo v3's own settings for ImageNet and ViTs: crop, colours, grey, blur (always in the first view,
 * one time in ten in the second), solarise (in the second view only). ResNets have crops of 20 % of
 * the area or more ({@linkcode mocoV3ResNetCrops}).
 *
 * The public code mirrors crops last, all recipes here right after cropping; both give the same
 * views, since a mirrored picture changes as its mirror image does, in colours and in blur.
 *
 * Differs: crops are scaled by bicubic interpolation, where torchvision's default, which the public
 * code uses, is bilinear.
 */
export const mocoV3Crops: CropRecipe = {
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

/** {@linkcode mocoV3Crops} with the crops of the reference runs of ResNets (`crop-min`). */
export const mocoV3ResNetCrops: CropRecipe = { ...mocoV3Crops, globalScale: [0.2, 1] };
