/** Elastic transformation. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/filters/bytes.ts";
import { gaussianFilter } from "lib/robustness/filters/gaussian_filter.ts";
import { type Border, borderIndex } from "lib/robustness/filters/rows.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/**
 * Takes each pixel from a place nearby, given by smoothed noise.
 *
 * Differs: the files of ImageNet-C were also made with an affine map, and with other widths at
 * severities 1 and 2; these are the parameters of the later package, in proportion to the image.
 *
 * @param strength Factor of the noise after smoothing; before, it is ±0.5 % of the height.
 */
export function elasticTransform(image: Raster, strength: number, draws: Draws): Raster {
  const { width, height } = image;
  const how = { most: 0.005 * height, sigma: [0.01 * height, 0.01 * width], strength } as const;
  const right = displacement(image, how, draws);
  const down = displacement(image, how, draws);
  return displaced(image, right, down, "reflect");
}

/** Parameters for small pictures, in shares of their height. */
export interface Bend {
  /** Factor of the noise after smoothing; before, it is ±1 pixel. */
  readonly strength: number;
  /** Standard deviation of the smoothing. */
  readonly sigma: number;
  /** Largest movement of each of three points, across and down; the picture moves with them. */
  readonly jitter: number;
}

/**
 * Bends as CIFAR-10-C does: an affine map of the whole picture, then each pixel from a place
 * nearby.
 *
 * Differs: OpenCV rounds the map's places to 1/32 of a pixel.
 */
export function elasticAffine(image: Raster, bend: Bend, draws: Draws): Raster {
  const { width, height } = image;
  const [right, down] = affineDisplacement(image, bend.jitter * height, draws);
  const moved = displaced(image, right, down, "mirror");
  const sigma = bend.sigma * height;
  const how = { most: 1, sigma: [sigma, sigma], strength: bend.strength * height } as const;
  const acrossNoise = displacement({ width, height }, how, draws);
  const downNoise = displacement({ width, height }, how, draws);
  return displaced(moved, acrossNoise, downNoise, "reflect");
}

type Point = readonly [x: number, y: number];

/**
 * Displacements `[height, width]` of an affine map that moves three points around the middle at
 * random: the place that each pixel comes from, minus its own.
 */
function affineDisplacement(
  { width, height }: Pick<Raster, "width" | "height">,
  jitter: number,
  { uniform }: Draws,
): readonly [Float64Array, Float64Array] {
  const [x, y, arm] = [width >> 1, height >> 1, Math.floor(Math.min(width, height) / 3)];
  const before: Point[] = [[x + arm, y + arm], [x + arm, y - arm], [x - arm, y - arm]];
  const after = before.map(([x, y]): Point => [
    x + uniform(-jitter, jitter),
    y + uniform(-jitter, jitter),
  ]);
  const [o, a, b] = after as [Point, Point, Point];
  const [ax, ay, bx, by] = [a[0] - o[0], a[1] - o[1], b[0] - o[0], b[1] - o[1]];
  const area = ax * by - ay * bx;
  const [right, down] = [new Float64Array(width * height), new Float64Array(width * height)];
  for (let p = 0; p < right.length; p++) {
    const [dx, dy] = [p % width - o[0], Math.floor(p / width) - o[1]];
    const u = (dx * by - dy * bx) / area; // along the first two points
    const v = (dy * ax - dx * ay) / area; // along the first and the third
    right[p] = x + arm - 2 * arm * v - p % width;
    down[p] = y + arm - 2 * arm * (u + v) - Math.floor(p / width);
  }
  return [right, down];
}

/**
 * Takes each pixel from a place nearby, given by displacements.
 *
 * @param right `[height, width]`, in pixels.
 * @param down `[height, width]`, in pixels.
 */
function displaced(
  image: Raster,
  right: Float64Array,
  down: Float64Array,
  border: Border,
): Raster {
  const { width, height, data } = image;
  const out = emptyLike(image);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const fromX = x + right[p]!;
      const fromY = y + down[p]!;
      const x0 = Math.floor(fromX);
      const y0 = Math.floor(fromY);
      const left = inside(x0, width, border) * 3;
      const next = inside(x0 + 1, width, border) * 3;
      const upper = inside(y0, height, border) * width * 3;
      const lower = inside(y0 + 1, height, border) * width * 3;
      for (let c = 0; c < 3; c++) {
        const above = mix(data[upper + left + c]!, data[upper + next + c]!, fromX - x0);
        const below = mix(data[lower + left + c]!, data[lower + next + c]!, fromX - x0);
        out.data[p * 3 + c] = toByte(mix(above, below, fromY - y0));
      }
    }
  }
  return out;
}

/** Noise that will be smoothed. */
interface Noise {
  /** Largest value, in pixels. */
  readonly most: number;
  /** Standard deviations of the smoothing, down and across, in pixels. */
  readonly sigma: readonly [number, number];
  /** Factor after smoothing. */
  readonly strength: number;
}

/** Smoothed noise `[height, width]`, in pixels. */
function displacement(
  { width, height }: Pick<Raster, "width" | "height">,
  { most, sigma, strength }: Noise,
  { uniform }: Draws,
): Float64Array {
  const noise = new Float64Array(width * height);
  for (let i = 0; i < noise.length; i++) noise[i] = uniform(-most, most);
  const extent = { width, height, channels: 1 };
  const smooth = gaussianFilter(noise, extent, sigma, { truncate: 3, border: "reflect" });
  for (let i = 0; i < smooth.length; i++) smooth[i]! *= strength;
  return smooth;
}

function inside(at: number, count: number, border: Border): number {
  return at >= 0 && at < count ? at : borderIndex(at, count, border);
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}
