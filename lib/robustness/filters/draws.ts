/**
 * Random numbers of a corruption: a stream with a faster normal distribution, since noise takes a
 * number for every value of an image.
 */
import type { Rng } from "lib/rng.ts";

/** Random numbers that corruptions draw, in the reference's order: row by row, channels last. */
export type Draws = Pick<Rng, "uniform" | "int" | "normal">;

/**
 * Draws from a stream, which advances. Normal numbers use the ziggurat method: a fifth of the time
 * of `rng.normal`.
 */
export function drawsOf(rng: Rng): Draws {
  return { uniform: rng.uniform, int: rng.int, normal: ziggurat(rng.uniform) };
}

const layers = 256;
/** Start of the tail, and area of each layer (Doornik 2005). */
const tail = 3.6541528853610088;
const area = 0.00492867323399;

const density = (x: number) => Math.exp(-0.5 * x * x);

/** `[257]`, right ends of the layers, the widest first; the last is 0. */
const ends = layerEnds();
const heights = ends.map(density);
/**
 * For each layer its width in units of 2^-23, and the number of units up to which every point lies
 * below the curve.
 */
const units = ends.map((end) => end / 2 ** 23);
const inside = Int32Array.from({ length: layers }, (_, i) => ends[i + 1]! / ends[i]! * 2 ** 23);

function layerEnds(): Float64Array {
  const x = new Float64Array(layers + 1);
  x[0] = area / density(tail);
  x[1] = tail;
  for (let i = 2; i < layers; i++) {
    x[i] = Math.sqrt(-2 * Math.log(area / x[i - 1]! + density(x[i - 1]!)));
  }
  return x;
}

/**
 * Marsaglia and Tsang's ziggurat method with 256 layers: 24 bits of one number for the place, 8 for
 * the layer.
 */
function ziggurat(uniform: () => number): Rng["normal"] {
  /**
   * Draws in the wedge of a layer, or in the tail; undefined if the point is not below the curve.
   */
  const edge = (layer: number, x: number): number | undefined => {
    if (layer > 0) {
      const height = heights[layer]! + uniform() * (heights[layer + 1]! - heights[layer]!);
      return height < density(x) ? x : undefined;
    }
    for (;;) { // Marsaglia's tail
      const beyond = -Math.log(1 - uniform()) / tail;
      if (-2 * Math.log(1 - uniform()) >= beyond * beyond) return Math.sign(x) * (tail + beyond);
    }
  };
  return (mean = 0, std = 1) => {
    for (;;) {
      const bits = (uniform() * 0x1_0000_0000) | 0;
      const layer = bits & 255;
      const place = bits >> 8;
      const x = place * units[layer]!;
      if (Math.abs(place) < inside[layer]!) return mean + std * x;
      const found = edge(layer, x);
      if (found !== undefined) return mean + std * found;
    }
  };
}
