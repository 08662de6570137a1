/**
 * Generated pictures of frosted windows, since the reference's photographs may not be
 * redistributed: needles of all sizes, with each size's strength and with the colours as measured
 * in the photographs.
 */
import { createRng, type Rng } from "lib/rng.ts";

/**
 * Number of windows. The reference draws from the first five of its six, two of which are the same.
 */
export const frostCount = 5;
/** Side of a window in pixels; opposite edges fit together. */
export const frostSide = 512;

/** Properties of a window, measured in a photograph by `golden/measure_frost.py`. */
interface Look {
  /** Mean of red, green and blue, 0–255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Strength of the needles that are 1, 2, 4, … 256 pixels wide; their squares add up to 1. */
  readonly strengths: readonly number[];
}

const looks: readonly Look[] = [
  {
    mean: [77.7, 149.1, 165.7],
    std: [26.6, 16.3, 15.2],
    strengths: [0.507, 0.0, 0.0, 0.055, 0.372, 0.0, 0.0, 0.551, 0.545],
  },
  {
    mean: [200.8, 205.4, 214.5],
    std: [21.2, 22.0, 22.5],
    strengths: [0.535, 0.468, 0.092, 0.31, 0.0, 0.331, 0.258, 0.0, 0.463],
  },
  {
    mean: [200.8, 205.4, 214.5],
    std: [21.2, 22.0, 22.5],
    strengths: [0.535, 0.468, 0.092, 0.31, 0.0, 0.331, 0.258, 0.0, 0.463],
  },
  {
    mean: [137.6, 152.8, 165.1],
    std: [28.2, 28.2, 29.5],
    strengths: [0.775, 0.246, 0.0, 0.269, 0.0, 0.0, 0.0, 0.269, 0.439],
  },
  {
    mean: [112.4, 123.4, 134.8],
    std: [44.0, 42.8, 41.2],
    strengths: [0.616, 0.0, 0.14, 0.458, 0.098, 0.0, 0.0, 0.0, 0.617],
  },
];

const windows = new Map<number, Uint8Array>();

/**
 * Window `index`, `[512, 512, 3]`, generated when it is first needed; the same in every process.
 *
 * @throws {RangeError} If there is no such window.
 */
export function frostTexture(index: number): Uint8Array {
  const look = looks[index];
  if (!look) throw new RangeError(`Cannot take window ${index}: there are ${frostCount}`);
  const made = windows.get(index) ?? makeWindow(look, createRng(index).fork("frost"));
  windows.set(index, made);
  return made;
}

/** Generates a window. All channels share one pattern, since the photographs are nearly grey. */
function makeWindow({ mean, std, strengths }: Look, rng: Rng): Uint8Array {
  const light = new Float64Array(frostSide * frostSide);
  strengths.forEach((strength, octave) => {
    const layer = needleLayer(octave, rng.fork(octave));
    for (let p = 0; p < light.length; p++) light[p]! += strength * layer[p]!;
  });
  standardised(light);
  const out = new Uint8ClampedArray(light.length * 3);
  for (let i = 0; i < out.length; i++) {
    out[i] = mean[i % 3]! + std[i % 3]! * light[Math.floor(i / 3)]!;
  }
  return new Uint8Array(out.buffer);
}

/** Needles 2^octave pixels wide, `[512, 512]`, with mean 0 and standard deviation 1. */
export function needleLayer(octave: number, rng: Rng): Float64Array {
  return standardised(enlargedTo(needles(frostSide >> octave, rng)));
}

/**
 * Straight strokes of random direction, length and brightness on a grid `[side, side]` whose
 * opposite edges meet.
 */
function needles(side: number, rng: Rng): Float64Array {
  const grid = new Float64Array(side * side);
  const count = Math.ceil(side * side / 6);
  for (let n = 0; n < count; n++) {
    const [x, y, angle] = [rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, Math.PI)];
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    const length = 2 + rng.int(8);
    const brightness = rng.normal();
    for (let t = 0; t < length; t++) splat(grid, side, x + t * dx, y + t * dy, brightness);
  }
  return grid;
}

/** Distributes a point over the four nearest cells. */
function splat(grid: Float64Array, side: number, x: number, y: number, value: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - left, y - top];
  const [x0, x1] = [wrapped(left, side), wrapped(left + 1, side)];
  const [y0, y1] = [wrapped(top, side) * side, wrapped(top + 1, side) * side];
  grid[y0 + x0]! += (1 - fx) * (1 - fy) * value;
  grid[y0 + x1]! += fx * (1 - fy) * value;
  grid[y1 + x0]! += (1 - fx) * fy * value;
  grid[y1 + x1]! += fx * fy * value;
}

function wrapped(at: number, side: number): number {
  return ((at % side) + side) % side;
}

/**
 * Enlarges a grid linearly to the window's side, shifted by a quarter of a pixel, so that the
 * finest grid is smoothed a little too.
 */
function enlargedTo(grid: Float64Array): Float64Array {
  const side = Math.sqrt(grid.length);
  const out = new Float64Array(frostSide * frostSide);
  for (let y = 0, p = 0; y < frostSide; y++) {
    const v = (y + 0.25) * side / frostSide;
    const top = Math.floor(v);
    const [upper, lower] = [top * side, wrapped(top + 1, side) * side];
    for (let x = 0; x < frostSide; x++, p++) {
      const u = (x + 0.25) * side / frostSide;
      const left = Math.floor(u);
      const right = wrapped(left + 1, side);
      const above = grid[upper + left]! + (u - left) * (grid[upper + right]! - grid[upper + left]!);
      const below = grid[lower + left]! + (u - left) * (grid[lower + right]! - grid[lower + left]!);
      out[p] = above + (v - top) * (below - above);
    }
  }
  return out;
}

/** Shifts and scales values in place to mean 0 and standard deviation 1. */
function standardised(values: Float64Array): Float64Array {
  let [sum, squares] = [0, 0];
  for (let p = 0; p < values.length; p++) {
    sum += values[p]!;
    squares += values[p]! ** 2;
  }
  const mean = sum / values.length;
  const std = Math.sqrt(squares / values.length - mean ** 2);
  for (let p = 0; p < values.length; p++) values[p] = (values[p]! - mean) / std;
  return values;
}
