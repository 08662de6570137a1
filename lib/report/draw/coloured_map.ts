/** Numbers as images: each gets its colour from a colour map. */
import type { Rgb } from "lib/datasets/pictures/place.ts";
import { colourMap } from "./colour_maps.ts";
import type { GridImages } from "./image_grid.ts";

/**
 * Numbers of either sign as one image, from blue through white, which is 0, to red.
 *
 * @param values `[H, W]`
 * @param options.most The magnitude that gets the full colour; by default the largest of them.
 */
export function signedImage(
  values: ArrayLike<number>,
  { height, width }: { readonly height: number; readonly width: number },
  { most }: { readonly most?: number } = {},
): GridImages {
  const numbers = Array.from(values);
  const full = most ?? numbers.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const levels = numbers.map((value) => full > 0 ? 0.5 + value / full / 2 : 0.5);
  return coloured(levels, colourMap("rdbu_r"), height, width);
}

/**
 * Numbers from 0 to 1 as one image, from black to bright.
 *
 * @param values `[H, W]`
 */
export function brightImage(
  values: ArrayLike<number>,
  { height, width }: { readonly height: number; readonly width: number },
): GridImages {
  return coloured(Array.from(values), colourMap("inferno"), height, width);
}

function coloured(
  levels: readonly number[],
  palette: readonly Rgb[],
  height: number,
  width: number,
): GridImages {
  const pixels = new Uint8Array(levels.length * 3);
  levels.forEach((level, i) =>
    pixels.set(palette[Math.round(255 * Math.min(Math.max(level, 0), 1))]!, 3 * i)
  );
  return { height, width, pixels };
}
