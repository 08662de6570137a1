/** Spatter: drops of water or mud on the lens. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, halfEven, toByte } from "lib/robustness/filters/bytes.ts";
import { distances } from "lib/robustness/filters/distances.ts";
import { edges } from "lib/robustness/filters/edges.ts";
import { gaussianFilter } from "lib/robustness/filters/gaussian_filter.ts";
import { borderIndex, padRow } from "lib/robustness/filters/rows.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/** Parameters of the liquid. */
export interface Spatter {
  /** Mean of the noise that drops are made from. */
  readonly mean: number;
  readonly std: number;
  /** Standard deviation of the noise's blur, in pixels. */
  readonly sigma: number;
  /** Noise below this is dry. */
  readonly threshold: number;
  /** For water its strength; for mud the standard deviation of its drops' blur, in pixels. */
  readonly amount: number;
  readonly liquid: "water" | "mud";
}

/** Pale turquoise. */
const water = [175, 238, 238] as const;
/** Brown. */
const mud = [63, 42, 20] as const;

/**
 * Spatters an image: water adds its colour at the rims of drops, where they catch the light; mud
 * covers the image.
 */
export function spatter(image: Raster, how: Spatter, { normal }: Draws): Raster {
  const { width, height } = image;
  const noise = new Float64Array(width * height);
  for (let i = 0; i < noise.length; i++) noise[i] = normal(how.mean, how.std);
  const smooth = gaussianFilter(noise, planeOf(image), [how.sigma, how.sigma]);
  const drops = smooth.map((value) => value < how.threshold ? 0 : value);
  switch (how.liquid) {
    case "water":
      return laid(image, waterLayer(drops, image, how.amount), water, 1);
    case "mud":
      return laid(image, mudLayer(drops, image, how), mud, 0);
  }
}

function planeOf({ width, height }: Raster) {
  return { width, height, channels: 1 };
}

/**
 * Adds the liquid's colour times its cover to each pixel, after removing what the liquid hides.
 *
 * @param clear 1: it hides nothing, 0: everything.
 */
function laid(
  image: Raster,
  cover: Float64Array,
  colour: readonly [number, number, number],
  clear: 0 | 1,
): Raster {
  const out = emptyLike(image);
  for (let p = 0, i = 0; p < cover.length; p++) {
    const share = cover[p]!;
    const kept = clear === 1 ? 1 : 1 - share;
    for (let c = 0; c < 3; c++, i++) {
      out.data[i] = toByte(kept * image.data[i]! + share * colour[c]!);
    }
  }
  return out;
}

/**
 * Layer of water `[height, width]`, at most `strength`: drops, lit by an embossed map of the
 * distance from their edges.
 */
function waterLayer(drops: Float64Array, image: Raster, strength: number): Float64Array {
  const { width, height } = image;
  const depth = new Uint8Array(drops.length);
  for (let p = 0; p < depth.length; p++) depth[p] = 255 * drops[p]!;
  const far = distances(edges(depth, width, height, 50, 150), width, height);
  for (let p = 0; p < far.length; p++) far[p] = Math.min(far[p]!, 20);
  const even = equalised(new Uint8Array(boxOfThree(far, width, height)));
  const light = boxOfThree(embossed(even, width, height), width, height);
  let most = 0;
  for (let p = 0; p < light.length; p++) {
    light[p] = halfEven(light[p]!) * depth[p]!;
    if (light[p]! > most) most = light[p]!;
  }
  if (most > 0) { for (let p = 0; p < light.length; p++) light[p]! *= strength / most; }
  return light;
}

/** Layer of mud `[height, width]`, 0 or 0.8 to 1. */
function mudLayer(
  drops: Float64Array,
  image: Raster,
  { threshold, amount }: Spatter,
): Float64Array {
  const wet = drops.map((value) => value > threshold ? 1 : 0);
  const soft = gaussianFilter(wet, planeOf(image), [amount, amount]);
  return soft.map((value) => value < 0.8 ? 0 : value);
}

type Plane = Float64Array | Uint8Array;

/** Mean over 3 × 3 pixels. */
function boxOfThree(plane: Plane, width: number, height: number): Float64Array {
  const sums = filtered(plane, width, height, [1, 1, 1, 1, 1, 1, 1, 1, 1]);
  for (let p = 0; p < sums.length; p++) sums[p]! /= 9;
  return sums;
}

/** Embosses a plane, as if lit from one corner. */
function embossed(plane: Plane, width: number, height: number): Uint8Array {
  const sums = filtered(plane, width, height, [-2, -1, 0, -1, 1, 1, 0, 1, 2]);
  return new Uint8Array(new Uint8ClampedArray(sums).buffer);
}

/** Weighted sums of 3 × 3 pixels, mirrored at the edges. @param kernel `[3, 3]` */
function filtered(
  plane: Plane,
  width: number,
  height: number,
  kernel: readonly number[],
): Float64Array {
  const out = new Float64Array(plane.length);
  const row = new Float64Array(width + 2);
  for (let y = 0; y < height; y++) {
    for (let dy = 0; dy < 3; dy++) {
      padRow(plane, borderIndex(y + dy - 1, height, "mirror") * width, width, 1, 1, "mirror", row);
      const [a, b, c] = kernel.slice(3 * dy, 3 * dy + 3) as [number, number, number];
      for (let x = 0, p = y * width; x < width; x++, p++) {
        out[p]! += a * row[x]! + b * row[x + 1]! + c * row[x + 2]!;
      }
    }
  }
  return out;
}

/**
 * Spreads bytes so that all values are about equally frequent, as OpenCV's equalizeHist; a flat
 * plane stays.
 */
function equalised(plane: Uint8Array): Uint8Array {
  const histogram = new Int32Array(256);
  for (const value of plane) histogram[value]!++;
  const first = histogram.findIndex((count) => count > 0);
  const others = plane.length - histogram[first]!;
  if (others === 0) return plane;
  let sum = 0;
  const table = Uint8Array.from(histogram, (count, value) => {
    if (value > first) sum += count;
    return halfEven(sum * Math.fround(255 / others));
  });
  const out = new Uint8Array(plane.length);
  for (let p = 0; p < plane.length; p++) out[p] = table[plane[p]!]!;
  return out;
}
