/**
 * Backgrounds of scenes: smooth noise, stripes and patches in random colours. Their sizes go from a
 * few pixels to the whole image.
 */
import type { Rng } from "lib/rng.ts";

/** A number for each pixel, 0–1, `[H, W]`. */
type Pattern = Float32Array;

/**
 * Draws a background.
 *
 * @returns `[H, W, 3]`, 0–255.
 */
export function drawTexture(rng: Rng, height: number, width: number): Uint8Array {
  const colours = Array.from({ length: 3 }, () => [0, 1, 2].map(() => rng.uniform(20, 235)));
  const [from, to, grain] = colours as [number[], number[], number[]];
  const kinds = [cloud, stripes, patches];
  const pattern = kinds[rng.int(kinds.length)]!(rng, height, width);
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
function cloud(rng: Rng, height: number, width: number): Pattern {
  const sum = new Float32Array(height * width);
  const largest = rng.uniform(0.2, 0.8) * width;
  for (const [size, weight] of [[1, 4 / 7], [1 / 2, 2 / 7], [1 / 4, 1 / 7]] as const) {
    const octave = noise(rng, height, width, largest * size);
    for (let p = 0; p < sum.length; p++) sum[p]! += weight * octave[p]!;
  }
  return sum;
}

/** Waves in one direction, bent by noise. */
function stripes(rng: Rng, height: number, width: number): Pattern {
  const bend = noise(rng, height, width, rng.uniform(0.2, 0.6) * width);
  const angle = rng.uniform(0, Math.PI);
  const turn = 2 * Math.PI / rng.uniform(6, 40); // radians a pixel
  const [dx, dy] = [turn * Math.cos(angle), turn * Math.sin(angle)];
  const amount = rng.uniform(0, 6);
  return bend.map((value, p) =>
    0.5 + 0.5 * Math.sin(dx * (p % width) + dy * Math.floor(p / width) + amount * value)
  );
}

/** Noise cut into a few even levels: patches with edges. */
function patches(rng: Rng, height: number, width: number): Pattern {
  const levels = 2 + rng.int(4);
  const smooth = noise(rng, height, width, rng.uniform(8, 0.4 * width));
  return smooth.map((value) => Math.min(Math.floor(value * levels), levels - 1) / (levels - 1));
}

/** Random values on a grid of `size` pixels, with smooth interpolation between them. */
function noise(rng: Rng, height: number, width: number, size: number): Pattern {
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
