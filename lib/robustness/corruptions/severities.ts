/** Names of the corruptions, and the form of a table of their five severities. */
import type { Raster } from "lib/augment/mod.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/** Corruptions of the mean corruption error: noise, blur, weather, digital. */
export const corruptionNames = [
  "gaussian_noise",
  "shot_noise",
  "impulse_noise",
  "defocus_blur",
  "glass_blur",
  "motion_blur",
  "zoom_blur",
  "snow",
  "frost",
  "fog",
  "brightness",
  "contrast",
  "elastic_transform",
  "pixelate",
  "jpeg_compression",
] as const;

/** Extra corruptions for tuning a method, which do not count for the mean corruption error. */
export const extraCorruptionNames = [
  "speckle_noise",
  "gaussian_blur",
  "spatter",
  "saturate",
] as const;

/** Name of a corruption of either list. */
export type CorruptionName = typeof corruptionNames[number] | typeof extraCorruptionNames[number];

/** Severities from mild to strong. */
export const severities = [1, 2, 3, 4, 5] as const;
export type Severity = typeof severities[number];

/** A function from an image and random numbers to the corrupted image. */
export type Corruption = (image: Raster, draws: Draws) => Raster | Promise<Raster>;

/** One corruption for each severity. */
export type Five = FiveOf<Corruption>;

/** All corruptions with their severities. */
export type CorruptionTable = Readonly<Record<CorruptionName, Five>>;

/** What a corruption has for each severity. */
export type FiveOf<P> = readonly [P, P, P, P, P];

/** Makes the five severities of a corruption from their parameters. */
export function five<P>(
  apply: (image: Raster, parameters: P, draws: Draws) => Raster | Promise<Raster>,
  parameters: FiveOf<P>,
): Five {
  return parameters.map((p): Corruption => (image, draws) =>
    apply(image, p, draws)
  ) as unknown as Five;
}
