/** Motion blur along a line. */
import type { Raster } from "lib/augment/mod.ts";
import { toImage } from "lib/robustness/filters/bytes.ts";
import { type Extent } from "lib/robustness/filters/gaussian_filter.ts";
import { borderIndex, padRow } from "lib/robustness/filters/rows.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/** Motion of the camera while a picture is taken. */
export interface Motion {
  /** The trail has 2 · radius + 1 pixels. */
  readonly radius: number;
  /** Standard deviation of the half Gaussian along the trail, in pixels. */
  readonly sigma: number;
  /** Direction in degrees. */
  readonly angle: number;
}

/** Blurs along a line at a random angle between −45 and 45 degrees. */
export function motionBlur(
  image: Raster,
  radius: number,
  sigma: number,
  { uniform }: Draws,
): Raster {
  const motion = { radius, sigma, angle: uniform(-45, 45) };
  return toImage(moved(new Float64Array(image.data), image, motion), image);
}

/**
 * Weighted sum of an array and its shifts along a line; beyond the edges, the edge is repeated. As
 * in the reference, shifts that leave the image end the trail and the weights of the rest are lost,
 * so an image smaller than the trail becomes darker.
 *
 * @returns `[height, width, channels]`, new.
 */
export function moved(
  values: Float64Array,
  extent: Extent,
  motion: Motion,
): Float64Array {
  const { height, width, channels } = extent;
  const steps = trail(motion, extent);
  const margin = Math.max(...steps.map(({ dx }) => Math.abs(dx)));
  const stride = (width + 2 * margin) * channels;
  const padded = new Float64Array(height * stride);
  for (let y = 0; y < height; y++) {
    const row = padded.subarray(y * stride, (y + 1) * stride);
    padRow(values, y * width * channels, width, channels, margin, "nearest", row);
  }
  const out = new Float64Array(values.length);
  const starts = new Int32Array(steps.length);
  const weights = Float64Array.from(steps, ({ weight }) => weight);
  for (let y = 0; y < height; y++) {
    steps.forEach(({ dx, dy }, t) => {
      starts[t] = borderIndex(y - dy, height, "nearest") * stride + (margin - dx) * channels;
    });
    addRows(padded, starts, weights, out, y * width * channels, width * channels);
  }
  return out;
}

interface Step {
  readonly dx: number;
  readonly dy: number;
  readonly weight: number;
}

function trail({ radius, sigma, angle }: Motion, { height, width }: Extent): Step[] {
  const count = 2 * radius + 1;
  const gaussian = Array.from({ length: count }, (_, i) => Math.exp(-(i ** 2) / (2 * sigma ** 2)));
  const sum = gaussian.reduce((total, w) => total + w, 0);
  const [down, across] = [Math.sin(angle * Math.PI / 180), Math.cos(angle * Math.PI / 180)];
  const steps = gaussian.map((w, i) => ({
    dx: -Math.ceil(i * across - 0.5),
    dy: -Math.ceil(i * down - 0.5),
    weight: w / sum,
  }));
  const gone = steps.findIndex(({ dx, dy }) => Math.abs(dx) >= width || Math.abs(dy) >= height);
  return gone < 0 ? steps : steps.slice(0, gone);
}

/** Computes `out[at + i] = Σ weights[t] · from[starts[t] + i]`, four rows in one pass. */
function addRows(
  from: Float64Array,
  starts: Int32Array,
  weights: Float64Array,
  out: Float64Array,
  at: number,
  length: number,
): void {
  let t = 0;
  for (; t + 3 < weights.length; t += 4) {
    const [a, b, c, d] = [starts[t]!, starts[t + 1]!, starts[t + 2]!, starts[t + 3]!];
    const [p, q, r, s] = [weights[t]!, weights[t + 1]!, weights[t + 2]!, weights[t + 3]!];
    for (let i = 0; i < length; i++) {
      out[at + i]! += p * from[a + i]! + q * from[b + i]! + r * from[c + i]! + s * from[d + i]!;
    }
  }
  for (; t < weights.length; t++) {
    const [a, p] = [starts[t]!, weights[t]!];
    for (let i = 0; i < length; i++) out[at + i]! += p * from[a + i]!;
  }
}
