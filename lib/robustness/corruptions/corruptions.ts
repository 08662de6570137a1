/**
 * The corruptions of ImageNet-C (Hendrycks & Dietterich 2019) and the four kept for validation, in five severities, with the
 * parameters of the reference: for large pictures, or for small ones.
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

/** Whose severities: made for 224 pixels a side, or for 32. */
export type CorruptionSeries = "ImageNet-C" | "CIFAR-10-C";

const tables: Readonly<Record<CorruptionSeries, CorruptionTable>> = {
  "ImageNet-C": imageNetC,
  "CIFAR-10-C": cifarC,
};

/**
 * A corrupted image, of the same size; any size will do, though the reference refuses sides below 32 pixels.
 *
 * @param image RGB.
 * @param rng Decides what is random; the same stream gives the same bytes.
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

/** As {@linkcode corrupt}, with any source of random numbers. */
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
