/** Rounding to bytes and whole numbers, as the reference rounds. */
import { type Raster, raster } from "lib/augment/mod.ts";

/**
 * Tolerance for sums that fall short of a whole number by rounding alone, where the last bits of
 * the reference decide by chance.
 */
const slack = 1e-6;

/**
 * Makes an image of the size of `like` from values of 0 to 255; larger and smaller ones are
 * clipped, fractions dropped.
 */
export function toImage(values: Float64Array, like: Raster): Raster {
  const out = emptyLike(like);
  const { data } = out;
  for (let i = 0; i < data.length; i++) data[i] = toByte(values[i]!);
  return out;
}

/** A value of 0 to 255 as a byte: clipped, its fraction dropped. */
export function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + slack) | 0;
}

/** A black image of the same size. */
export function emptyLike({ width, height, channels }: Raster): Raster {
  return raster(width, height, channels);
}

/** Rounds to the nearest integer, and a half to the even one, as Python and OpenCV do. */
export function halfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
