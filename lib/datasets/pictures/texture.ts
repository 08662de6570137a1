/**
 * Textures: smooth noise, stripes, checks, ramps and patches. H × W pixels; a pattern has a number
 * from 0 to 1 for each pixel.
 */
import type { Rng } from "lib/rng.ts";

/** A number for each pixel, 0–1, `[H, W]`. */
export type Pattern = Float32Array;

/** The kinds of pattern of a scene's ground. Their sizes go from a few pixels to the whole image. */
const sceneKinds: readonly ((rng: Rng, height: number, width: number) => Pattern)[] = [
  (rng, height, width) => cloud(rng, height, width, rng.uniform(0.2, 0.8) * width),
  (rng, height, width) => {
    const bend = noise(rng, height, width, rng.uniform(0.2, 0.6) * width);
    const [angle, period] = [rng.uniform(0, Math.PI), rng.uniform(6, 40)];
    return stripes(bend, width, { angle, period, amount: rng.uniform(0, 6) });
  },
  (rng, height, width) => {
    const levels = 2 + rng.int(4);
    return patches(noise(rng, height, width, rng.uniform(8, 0.4 * width)), levels);
  },
];

/**
 * Draws the ground of a scene, in random colours.
 *
 * @returns `[H, W, 3]`, 0–255.
 */
export function drawTexture(rng: Rng, height: number, width: number): Uint8Array {
  const colours = Array.from({ length: 3 }, () => [0, 1, 2].map(() => rng.uniform(20, 235)));
  const [from, to, grain] = colours as [number[], number[], number[]];
  const pattern = sceneKinds[rng.int(sceneKinds.length)]!(rng, height, width);
  const fine = noise(rng, height, width, rng.uniform(2, 5));
  const depth = rng.uniform(0.1, 0.35); // strength of the fine grain that covers every pattern
  const pixels = new Uint8Array(height * width * 3);
  for (let p = 0; p < pattern.length; p++) {
    const share = depth * fine[p]!;
    for (let c = 0; c < 3; c++) {
      const colour = from[c]! + (to[c]! - from[c]!) * pattern[p]!;
      pixels[p * 3 + c] = colour + (grain[c]! - colour) * share + 0.5;
    }
  }
  return pixels;
}

/** A sum of noise at several sizes; each next one has half the size and half the weight. */
export function cloud(rng: Rng, height: number, width: number, largest: number): Pattern {
  const sum = new Float32Array(height * width);
  for (const [size, weight] of [[1, 4 / 7], [1 / 2, 2 / 7], [1 / 4, 1 / 7]] as const) {
    const octave = noise(rng, height, width, largest * size);
    for (let p = 0; p < sum.length; p++) sum[p]! += weight * octave[p]!;
  }
  return sum;
}

/** The course of stripes, checks and ramps. */
export interface Waves {
  /** Radians from the horizontal, in which the pattern repeats. */
  readonly angle: number;
  /** Pixels from one wave to the next. */
  readonly period: number;
  /** Radians by which the noise bends the waves. */
  readonly amount: number;
}

/** Waves in one direction, bent by noise. */
export function stripes(bend: Pattern, width: number, waves: Waves): Pattern {
  const { along } = phases(waves);
  return bend.map((value, p) =>
    0.5 + 0.5 * Math.sin(along(p % width, Math.floor(p / width)) + waves.amount * value)
  );
}

/** Squares of two tones with soft edges, bent by noise. */
export function checks(bend: Pattern, width: number, waves: Waves): Pattern {
  const { along, across } = phases(waves);
  return bend.map((value, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    const shift = waves.amount * value;
    const product = Math.sin(along(x, y) + shift) * Math.sin(across(x, y) + shift);
    return 0.5 + 0.5 * Math.max(-1, Math.min(1, 3 * product));
  });
}

/** Gradients in one direction, one after the other, with a sharp edge between them. */
export function ramps(bend: Pattern, width: number, waves: Waves): Pattern {
  const { along } = phases(waves);
  return bend.map((value, p) => {
    const at = (along(p % width, Math.floor(p / width)) + waves.amount * value) / (2 * Math.PI);
    return at - Math.floor(at);
  });
}

/** The phase of a wave at a pixel, in radians: in its direction, and at a right angle to it. */
function phases({ angle, period }: Waves) {
  const turn = 2 * Math.PI / period; // radians a pixel
  const [dx, dy] = [turn * Math.cos(angle), turn * Math.sin(angle)];
  return {
    along: (x: number, y: number) => dx * x + dy * y,
    across: (x: number, y: number) => dx * y - dy * x,
  };
}

/** Noise cut into a few even levels: patches with edges. */
export function patches(smooth: Pattern, levels: number): Pattern {
  return smooth.map((value) => Math.min(Math.floor(value * levels), levels - 1) / (levels - 1));
}

/** Random values on a grid of `size` pixels, with smooth interpolation between them. */
export function noise(rng: Rng, height: number, width: number, size: number): Pattern {
  const columns = Math.ceil(width / size) + 2;
  const rows = Math.ceil(height / size) + 2;
  const grid = Float32Array.from({ length: rows * columns }, () => rng.uniform());
  const across = steps(width, size);
  const pattern = new Float32Array(height * width);
  steps(height, size).forEach(([row, down], y) => {
    for (let x = 0; x < width; x++) {
      const [column, along] = across[x]!;
      const at = row * columns + column;
      const top = grid[at]! + (grid[at + 1]! - grid[at]!) * along;
      const below = at + columns;
      const bottom = grid[below]! + (grid[below + 1]! - grid[below]!) * along;
      pattern[y * width + x] = top + (bottom - top) * down;
    }
  });
  return pattern;
}

/** For each pixel: the grid point before it, and the smoothed weight of the next grid point. */
function steps(length: number, size: number): [before: number, share: number][] {
  return Array.from({ length }, (_, i) => {
    const at = i / size;
    const before = Math.floor(at);
    const t = at - before;
    return [before, t * t * (3 - 2 * t)];
  });
}
