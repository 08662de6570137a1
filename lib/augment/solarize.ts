/** Solarize as in Pillow. */
import type { Raster } from "./raster.ts";

/** Inverts every value at or above the threshold, in place. */
export function solarize({ data }: Raster, threshold = 128): void {
  for (let value = 0; value < 256; value++) table[value] = value < threshold ? value : 255 - value;
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!;
}

/**
 * A table of all results: it is faster than a branch per value, which the processor often
 * mispredicts.
 */
const table = new Uint8Array(256);
