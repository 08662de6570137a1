/**
 * Augmentations of images. A random augmentation is two functions: one draws its parameters, the
 * other applies them.
 */
export * from "./color_jitter.ts";
export * from "./flip.ts";
export * from "./gaussian_blur.ts";
export * from "./grayscale.ts";
export * from "./hue.ts";
export * from "./normalize.ts";
export * from "./raster.ts";
export * from "./resized_crop.ts";
export * from "./solarize.ts";
