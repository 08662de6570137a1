/** Solarize, as Pillow. */
import type { Raster } from "lib/augment/raster.ts";

/** Inverts every value at or above the threshold, in place. */
export function solarize({ data }: Raster, threshold = 128): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value >= threshold) data[i] = 255 - value;
  }
}
