/** Augmentations, image in, image out. Each is two functions: one draws its parameters, one applies them. */
export * from "lib/augment/color_jitter.ts";
export * from "lib/augment/flip.ts";
export * from "lib/augment/gaussian_blur.ts";
export * from "lib/augment/grayscale.ts";
export * from "lib/augment/hue.ts";
export * from "lib/augment/normalize.ts";
export * from "lib/augment/raster.ts";
export * from "lib/augment/resized_crop.ts";
export * from "lib/augment/solarize.ts";
