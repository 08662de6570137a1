/** Snow, frost and fog. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/filters/bytes.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";
import { frostCount, frostSide, frostTexture } from "lib/robustness/filters/frost_texture.ts";
import { moved } from "lib/robustness/corruptions/motion_blur.ts";
import { plasma } from "lib/robustness/filters/plasma.ts";
import { enlarged } from "lib/robustness/corruptions/zoom_blur.ts";

/** Parameters of the snow. */
export interface Snowfall {
  /** Mean of the noise that flakes are made from, a fraction of white. */
  readonly mean: number;
  readonly std: number;
  /** Factor by which the noise is enlarged. */
  readonly zoom: number;
  /** Noise below this is removed, a fraction of white. */
  readonly threshold: number;
  /** Radius of the flakes' trail, in pixels. */
  readonly radius: number;
  readonly sigma: number;
  /** Weight of the picture; the rest is whitened. */
  readonly keep: number;
}

/** Whitens a picture and adds flakes, twice: the second time turned by 180 degrees. */
export function snow(image: Raster, how: Snowfall, draws: Draws): Raster {
  const flakes = snowLayer(image, how, draws);
  const out = emptyLike(image);
  const [from, to] = [image.data, out.data];
  const last = flakes.length - 1;
  for (let p = 0, i = 0; p <= last; p++, i += 3) {
    const white = greyOf(from, i) * 1.5 + 127.5;
    const fall = flakes[p]! + flakes[last - p]!;
    for (let c = i; c < i + 3; c++) {
      const value = from[c]!;
      to[c] = toByte(how.keep * value + (1 - how.keep) * Math.max(value, white) + fall);
    }
  }
  return out;
}

/** Layer of flakes `[height, width]`, 0–255. */
function snowLayer(
  { width, height }: Raster,
  { mean, std, zoom, threshold, radius, sigma }: Snowfall,
  { normal, uniform }: Draws,
): Uint8Array {
  const noise = new Float64Array(width * height);
  for (let i = 0; i < noise.length; i++) noise[i] = normal(mean, std);
  const { data, ...extent } = enlarged(noise, { width, height, channels: 1 }, zoom);
  const flakes = data.map((value) => value < threshold ? 0 : Math.min(value, 1));
  const fallen = moved(flakes, extent, { radius, sigma, angle: uniform(-135, -45) });
  const layer = new Uint8Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      layer[p] = Math.round(255 * fallen[y * extent.width + x]!);
    }
  }
  return layer;
}

/** Grey value as OpenCV computes it. */
function greyOf(data: Uint8Array, i: number): number {
  return 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
}

/**
 * Lays a piece of a frosted window over a picture.
 *
 * @param keep Weight of the picture.
 * @param weight Weight of the frost.
 * @param options.every Distance, in pixels of the frost, between two that are taken: the reference
 *   shrinks it to a fifth for pictures of 32 pixels, and to 0.3 of its size for those of 64.
 */
export function frost(
  image: Raster,
  keep: number,
  weight: number,
  { int }: Draws,
  { every = 1 }: { readonly every?: number } = {},
): Raster {
  const texture = frostTexture(int(frostCount));
  const [top, left] = [int(frostSide), int(frostSide)];
  const out = emptyLike(image);
  for (let y = 0, i = 0; y < image.height; y++) {
    const row = (top + Math.floor(every * y)) % frostSide * frostSide;
    for (let x = 0; x < image.width; x++) {
      const at = (row + (left + Math.floor(every * x)) % frostSide) * 3;
      for (let c = 0; c < 3; c++, i++) {
        out.data[i] = toByte(keep * image.data[i]! + weight * texture[at + c]!);
      }
    }
  }
  return out;
}

/**
 * Adds a cloud, and scales so that the largest value stays.
 *
 * @param weight Weight of the cloud, a fraction of white.
 */
export function fog(image: Raster, weight: number, decay: number, { uniform }: Draws): Raster {
  const { data, width, height } = image;
  const side = 2 ** Math.ceil(Math.log2(Math.max(width, height, 3)));
  const cloud = plasma(side, decay, uniform);
  let largest = 0;
  for (let i = 0; i < data.length; i++) if (data[i]! > largest) largest = data[i]!;
  const scale = largest / (largest + 255 * weight);
  const out = emptyLike(image);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const added = 255 * weight * cloud[y * side + x]!;
      for (let c = 0; c < 3; c++, i++) out.data[i] = toByte((data[i]! + added) * scale);
    }
  }
  return out;
}
