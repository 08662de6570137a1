/**
 * The corruptions of ImageNet-C (Hendrycks & Dietterich 2019) and its four extra ones for
 * validation, in five severities with the reference's parameters, for large or for small pictures.
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

/** Series of severities: made for 224 pixels a side, or for 32. */
export type CorruptionSeries = "ImageNet-C" | "CIFAR-10-C";

const tables: Readonly<Record<CorruptionSeries, CorruptionTable>> = {
  "ImageNet-C": imageNetC,
  "CIFAR-10-C": cifarC,
};

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
