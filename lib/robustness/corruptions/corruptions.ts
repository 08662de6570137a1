/**
 * The corruptions of ImageNet-C (Hendrycks & Dietterich 2019) and its four extra ones for
 * validation, in five severities with the reference's parameters for pictures of three sizes.
 *
 * No parameter is scaled with the size of a picture. A radius in pixels that hides a fifth of a
 * picture of 64 pixels hides a seventeenth of one of 224, so the authors chose the parameters anew
 * for each size; {@linkcode seriesForSide} takes the series whose size is nearest. The package
 * imagecorruptions (Michaelis et al. 2019), which runs ImageNet-C's code on pictures of any size,
 * has the parameters for 224 pixels throughout: too strong for smaller pictures.
 */
import type { Raster } from "lib/augment/mod.ts";
import { cifarC } from "lib/robustness/corruptions/cifar_c.ts";
import { type Draws, drawsOf } from "lib/robustness/filters/draws.ts";
import { imageNetC } from "lib/robustness/corruptions/imagenet_c.ts";
import type {
  CorruptionName,
  CorruptionTable,
  Severity,
} from "lib/robustness/corruptions/severities.ts";
import type { Rng } from "lib/rng.ts";
import { tinyImageNetC } from "lib/robustness/corruptions/tiny_imagenet_c.ts";

/** Series of severities, each made for one size of pictures: see {@linkcode seriesForSide}. */
export type CorruptionSeries = "ImageNet-C" | "Tiny-ImageNet-C" | "CIFAR-10-C";

const tables: Readonly<Record<CorruptionSeries, CorruptionTable>> = {
  "ImageNet-C": imageNetC,
  "Tiny-ImageNet-C": tinyImageNetC,
  "CIFAR-10-C": cifarC,
};

/** Pixels a side of the pictures that each series was made for. */
const sides: readonly (readonly [CorruptionSeries, number])[] = [
  ["CIFAR-10-C", 32],
  ["Tiny-ImageNet-C", 64],
  ["ImageNet-C", 224],
];

/**
 * The series of severities for pictures of a size: the one whose own size is nearest, as a ratio.
 * These are CIFAR-10-C up to 45 pixels, Tiny-ImageNet-C up to 119, and ImageNet-C above.
 *
 * @param side Shorter side in pixels.
 */
export function seriesForSide(side: number): CorruptionSeries {
  const distance = (own: number) => Math.abs(Math.log(side / own));
  return sides.reduce((best, next) => distance(next[1]) < distance(best[1]) ? next : best)[0];
}

/**
 * Corrupts an image; the size stays. Any size is accepted, though the reference refuses sides below
 * 32 pixels.
 *
 * @param image RGB.
 * @param rng Random stream; the same stream gives the same bytes.
 * @param series By default ImageNet-C's.
 * @throws {RangeError} If there is no such corruption or severity.
 * @throws {TypeError} If the image is not RGB.
 */
export async function corrupt(
  image: Raster,
  name: CorruptionName,
  severity: Severity,
  rng: Rng,
  series?: CorruptionSeries,
): Promise<Raster> {
  return await corruptWith(image, name, severity, drawsOf(rng), series);
}

/** Corrupts as {@linkcode corrupt}, with any source of random numbers. */
export async function corruptWith(
  image: Raster,
  name: CorruptionName,
  severity: Severity,
  draws: Draws,
  series: CorruptionSeries = "ImageNet-C",
): Promise<Raster> {
  const table = tables[series];
  const five = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!five) {
    throw new RangeError(
      `Cannot corrupt an image by "${name}": there are ${Object.keys(table).join(", ")}`,
    );
  }
  const apply = five[severity - 1];
  if (!apply) {
    throw new RangeError(`Cannot corrupt an image: severity is 1 to 5, current one is ${severity}`);
  }
  if (image.channels !== 3) {
    throw new TypeError(`Cannot corrupt an image of ${image.channels} channel: need RGB`);
  }
  return await apply(image, draws);
}
