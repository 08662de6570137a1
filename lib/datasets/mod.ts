/** Data sets: real images in, {@linkcode ImageSet} out. */
export * from "lib/datasets/images.ts";
