/** Colour maps: 256 RGB colours for numbers from 0 to 1. */
import * as Plot from "@observablehq/plot";
import type { Rgb } from "lib/datasets/pictures/place.ts";

/**
 * Name of a colour map:
 * - `magma`, `inferno`: from black to bright with even lightness, so that they can be read with any
 *   colour vision and in grey.
 * - `jet`: the map of pytorch-grad-cam and of the paper (§5.1). Its lightness does not follow the
 *   numbers, so use it only to compare with pictures that have it.
 * - `rdbu_r`: from blue through white, which is the middle, to red: for numbers of either sign.
 */
export type ColourMap = "magma" | "inferno" | "jet" | "rdbu_r";

/**
 * The 256 colours of a map, 0–255 each, for 0 to 1.
 *
 * @throws {RangeError} If there is no such map.
 */
export function colourMap(name: ColourMap): readonly Rgb[] {
  switch (name) {
    case "magma":
    case "inferno":
      return scheme(name);
    case "rdbu_r":
      return scheme("rdbu").reverse();
    case "jet":
      return Array.from({ length: 256 }, (_, level) => jet(level / 255));
    default:
      throw new RangeError(
        `Unknown colours "${name satisfies never}": use inferno, magma, jet or rdbu_r`,
      );
  }
}

function scheme(name: Plot.ColorScheme): Rgb[] {
  const scale = Plot.scale({ color: { type: "linear", scheme: name, domain: [0, 255] } })!;
  return Array.from({ length: 256 }, (_, level) => {
    const css = String(scale.apply(level));
    const hex = /^#(..)(..)(..)$/.exec(css)?.slice(1).map((byte) => parseInt(byte, 16));
    return (hex ?? css.match(/\d+/g)!.map(Number)) as [number, number, number];
  });
}

/** The jet map: three trapezoids for blue, green and red, each shifted by a quarter. */
function jet(value: number): Rgb {
  const trapezium = (middle: number) => {
    const height = 1.5 - Math.abs(4 * value - middle);
    return Math.round(255 * Math.min(Math.max(height, 0), 1));
  };
  return [trapezium(3), trapezium(2), trapezium(1)];
}
