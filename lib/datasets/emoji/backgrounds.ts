/**
 * Textured backgrounds for emoji: a window, at a random offset, of one of a few dozen textures that
 * all images share.
 *
 * A background must not say which image it belongs to. If each image had a texture of its own, a
 * network trained by two crops of one image would learn the textures, and classify worse than an
 * untrained one. So hundreds of images share each texture, every texture has the same mean colour
 * and the same contrast, and its pattern is small: each window looks like any other of its texture.
 *
 * S is the side of an image in pixels. Sizes are in proportion to S, so that an image of another
 * size shows the same pattern.
 */
import {
  checks,
  cloud,
  noise,
  patches,
  type Pattern,
  ramps,
  stripes,
} from "lib/datasets/pictures/texture.ts";
import type { Rgb } from "lib/datasets/pictures/place.ts";
import type { Rng } from "lib/rng.ts";

/** Number of textures: five bits of the thirteen that tell 6,699 images apart. */
export const poolSize = 32;

const contrast = 28; // standard deviation of a texture's colours around their mean, of 255
const period = [0.08, 0.2] as const; // of waves, grains and patches, in sides of an image
const tileSides = 2; // side of a texture, in sides of an image

/** The textures that the images of one data set share. */
export interface BackgroundPool {
  /** S, in pixels. */
  readonly size: number;
  /** Side of each texture in pixels. */
  readonly side: number;
  /** Each `[side, side, 3]`, 0–255. */
  readonly textures: readonly Uint8Array[];
}

/**
 * Draws the textures for images of a size.
 *
 * @param rng Each texture has a stream of its own, forked from it.
 * @param mean The mean colour of each texture.
 */
export function drawBackgroundPool(rng: Rng, size: number, mean: Rgb): BackgroundPool {
  const side = tileSides * size;
  const textures = Array.from({ length: poolSize }, (_, i) => {
    const kind = patternKinds[i % patternKinds.length]!;
    const stream = rng.fork(i);
    return coloured(stream, kind(stream, size, side), noise(stream, side, side, size / 30), mean);
  });
  return { size, side, textures };
}

/**
 * Writes one image's background.
 *
 * @param rng A stream for this image alone: it chooses the texture and the offset.
 * @param pixels `[S, S, 3]`, overwritten.
 */
export function drawBackground(
  rng: Rng,
  { size, side, textures }: BackgroundPool,
  pixels: Uint8Array,
): void {
  const texture = textures[rng.int(textures.length)]!;
  const [left, top] = [rng.int(side - size + 1), rng.int(side - size + 1)];
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * side + left) * 3;
    pixels.set(texture.subarray(start, start + size * 3), y * size * 3);
  }
}

/** The kinds of pattern, which take turns in the pool. Each returns `[side, side]`. */
const patternKinds: readonly ((rng: Rng, size: number, side: number) => Pattern)[] = [
  (rng, size, side) => cloud(rng, side, side, rng.uniform(...period) * size),
  (rng, size, side) => stripes(bend(rng, size, side), side, waves(rng, size)),
  (rng, size, side) => checks(bend(rng, size, side), side, waves(rng, size)),
  (rng, size, side) => ramps(bend(rng, size, side), side, waves(rng, size)),
  (rng, size, side) =>
    patches(noise(rng, side, side, rng.uniform(...period) * size), 2 + rng.int(3)),
];

function bend(rng: Rng, size: number, side: number): Pattern {
  return noise(rng, side, side, rng.uniform(0.15, 0.3) * size);
}

function waves(rng: Rng, size: number) {
  const angle = rng.uniform(0, Math.PI);
  return { angle, period: rng.uniform(...period) * size, amount: rng.uniform(0, 3) };
}

/**
 * Gives a pattern two random colours and covers it with a fine grain of a third one; then shifts
 * and stretches the colours to the mean and the contrast that all textures have.
 *
 * @returns `[side, side, 3]`
 */
function coloured(rng: Rng, pattern: Pattern, grain: Pattern, mean: Rgb): Uint8Array {
  const [along, over] = [0, 1].map(() => [0, 1, 2].map(() => rng.normal())) as [number[], number[]];
  const depth = rng.uniform(0.2, 0.5); // strength of the grain beside the pattern
  const raw = new Float32Array(pattern.length * 3);
  for (let i = 0; i < raw.length; i++) {
    const [p, c] = [Math.floor(i / 3), i % 3];
    raw[i] = along[c]! * pattern[p]! + depth * over[c]! * grain[p]!;
  }
  const centres = [0, 1, 2].map((c) => meanOf(raw, c));
  const squares = raw.reduce((sum, value, i) => sum + (value - centres[i % 3]!) ** 2, 0);
  const stretch = contrast / Math.sqrt(squares / raw.length);
  return Uint8Array.from(raw, (value, i) => {
    const colour = mean[i % 3]! + stretch * (value - centres[i % 3]!);
    return Math.max(0, Math.min(255, Math.round(colour)));
  });
}

function meanOf(raw: Float32Array, channel: number): number {
  let sum = 0;
  for (let i = channel; i < raw.length; i += 3) sum += raw[i]!;
  return 3 * sum / raw.length;
}
