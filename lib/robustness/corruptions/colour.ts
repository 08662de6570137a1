/** Brightness, contrast and saturation, in the HSV of scikit-image. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/filters/bytes.ts";

/**
 * Raises HSV's value, the largest channel; hue and saturation stay.
 *
 * @param change A fraction of white.
 */
export function brightness(image: Raster, change: number): Raster {
  const out = emptyLike(image);
  const [from, to] = [image.data, out.data];
  for (let i = 0; i < from.length; i += 3) {
    const value = Math.max(from[i]!, from[i + 1]!, from[i + 2]!);
    const raised = Math.min(value + 255 * change, 255);
    for (let c = i; c < i + 3; c++) {
      to[c] = toByte(value === 0 ? raised : from[c]! * raised / value);
    }
  }
  return out;
}

/**
 * Scales and shifts HSV's saturation. Greys have no hue: if the saturation is shifted, they turn
 * red.
 */
export function saturate(image: Raster, factor: number, shift: number): Raster {
  const out = emptyLike(image);
  const [from, to] = [image.data, out.data];
  for (let i = 0; i < from.length; i += 3) {
    const value = Math.max(from[i]!, from[i + 1]!, from[i + 2]!);
    const least = Math.min(from[i]!, from[i + 1]!, from[i + 2]!);
    if (value === least) {
      to[i] = value;
      to[i + 1] = to[i + 2] = toByte(value * (1 - Math.max(shift, 0)));
      continue;
    }
    const old = (value - least) / value;
    const stretch = Math.min(old * factor + shift, 1) / old;
    for (let c = i; c < i + 3; c++) to[c] = toByte(value - (value - from[c]!) * stretch);
  }
  return out;
}

/**
 * Moves every value towards the mean of its channel.
 *
 * @param factor Share of the distance that is left.
 */
export function contrast(image: Raster, factor: number): Raster {
  const out = emptyLike(image);
  const [from, to] = [image.data, out.data];
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let i = c; i < from.length; i += 3) sum += from[i]!;
    const mean = sum / (from.length / 3);
    const table = Uint8Array.from(
      { length: 256 },
      (_, value) => toByte((value - mean) * factor + mean),
    );
    for (let i = c; i < from.length; i += 3) to[i] = table[from[i]!]!;
  }
  return out;
}
