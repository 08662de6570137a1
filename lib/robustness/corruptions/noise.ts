/** Noise on every value: Gaussian, shot, impulse and speckle noise. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/filters/bytes.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/**
 * Adds normal noise.
 *
 * @param scale Standard deviation, a fraction of white.
 */
export function gaussianNoise(image: Raster, scale: number, { normal }: Draws): Raster {
  const out = emptyLike(image);
  const { data } = out;
  const std = 255 * scale;
  for (let i = 0; i < data.length; i++) data[i] = toByte(image.data[i]! + std * normal());
  return out;
}

/**
 * Adds normal noise in proportion to each value.
 *
 * @param scale Standard deviation, a fraction of the value.
 */
export function speckleNoise(image: Raster, scale: number, { normal }: Draws): Raster {
  const out = emptyLike(image);
  const { data } = out;
  for (let i = 0; i < data.length; i++) data[i] = toByte(image.data[i]! * (1 + scale * normal()));
  return out;
}

/** Turns a share of the values black or white, half of them each. */
export function impulseNoise(image: Raster, amount: number, { uniform }: Draws): Raster {
  const out = emptyLike(image);
  const { data } = out;
  for (let i = 0; i < data.length; i++) {
    const u = uniform();
    data[i] = u >= amount ? image.data[i]! : u < amount / 2 ? 255 : 0;
  }
  return out;
}

/**
 * Draws each value from a Poisson distribution around itself, as counting photons does.
 *
 * @param photons Mean number of photons for white.
 */
export function shotNoise(image: Raster, photons: number, { uniform }: Draws): Raster {
  const out = emptyLike(image);
  const { data } = out;
  const { cumulative, guide } = poissonTable(photons);
  const bytes = Uint8Array.from({ length: photons + 1 }, (_, k) => toByte(k / photons * 255));
  for (let i = 0; i < data.length; i++) {
    const value = image.data[i]!;
    const u = uniform();
    const row = value * photons;
    let k = guide[value * guideSize + Math.floor(u * guideSize)]!;
    while (k < photons && u >= cumulative[row + k]!) k++;
    data[i] = bytes[k]!;
  }
  return out;
}

const guideSize = 64;

interface PoissonTable {
  /**
   * `[256, photons]`, the probability of at most k photons for each value; the rest becomes white.
   */
  readonly cumulative: Float64Array;
  /** `[256, 64]`, where a search may start, by the first bits of the random number. */
  readonly guide: Uint8Array;
}

const tables = new Map<number, PoissonTable>();

function poissonTable(photons: number): PoissonTable {
  const known = tables.get(photons);
  if (known) return known;
  const table = {
    cumulative: new Float64Array(256 * photons),
    guide: new Uint8Array(256 * guideSize),
  };
  for (let value = 0; value < 256; value++) fillPoisson(table, value, photons);
  tables.set(photons, table);
  return table;
}

function fillPoisson({ cumulative, guide }: PoissonTable, value: number, photons: number): void {
  const mean = value / 255 * photons;
  let probability = Math.exp(-mean);
  let sum = 0;
  for (let k = 0; k < photons; k++) {
    sum += probability;
    cumulative[value * photons + k] = sum;
    probability *= mean / (k + 1);
  }
  let k = 0;
  for (let g = 0; g < guideSize; g++) {
    while (k < photons && cumulative[value * photons + k]! <= g / guideSize) k++;
    guide[value * guideSize + g] = k;
  }
}
