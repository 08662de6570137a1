/**
 * Places an object at a scale, angle and offset on a canvas, so that two pictures of one thing differ pixel by pixel.
 *
 * S is the side of the object's raster and H that of the canvas, both square, in pixels; C is 1 (grey) or 4 (RGBA with
 * premultiplied alpha). Everything outside the raster is 0: black, or transparent.
 */
import type { Rng } from "lib/rng.ts";

/** A rectangle in pixels; `right` and `bottom` are exclusive. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An object ready to be placed: its raster, halved again and again, and the box that holds all of it. */
export interface Sprite {
  readonly channels: 1 | 4;
  /** `[S / 2^l, S / 2^l, C]` for l = 0, 1, …: shrinking samples from the level nearest in size, so nothing aliases. */
  readonly levels: readonly Uint8Array[];
  /** S of each level. */
  readonly sizes: readonly number[];
  /** The smallest box outside which the last channel is 0. */
  readonly box: Box;
}

/** Where an object lies: canvas = centre + scale · rotation(angle) · (raster − centre of the box). */
export interface Placement {
  /** Canvas pixels per raster pixel. */
  readonly scale: number;
  /** Radians, clockwise as seen. */
  readonly angle: number;
  /** Where the centre of the object's box comes to lie, in canvas pixels from the left and top edge. */
  readonly x: number;
  readonly y: number;
}

/** From what placements are drawn, uniformly. */
export interface PlacementRange {
  /** Longer side of the object's box over the side of the canvas. */
  readonly extent: readonly [min: number, max: number];
  /** Largest rotation to either side, in degrees. */
  readonly rotation: number;
}

/**
 * Prepares a raster `[S, S, C]` for placing. The raster is borrowed as level 0.
 *
 * @throws {TypeError} If the number of values is not S·S·C.
 */
export function makeSprite(raster: Uint8Array, size: number, channels: 1 | 4): Sprite {
  if (raster.length !== size * size * channels) {
    throw new TypeError(
      `Cannot make a sprite of ${size}×${size}×${channels}: current raster has ${raster.length} values`,
    );
  }
  const levels = [raster];
  const sizes = [size];
  while (sizes.at(-1)! % 2 === 0 && sizes.at(-1)! > 8) {
    levels.push(halve(levels.at(-1)!, sizes.at(-1)!, channels));
    sizes.push(sizes.at(-1)! / 2);
  }
  return { channels, levels, sizes, box: boxOf(raster, size, channels) };
}

/**
 * Draws a placement that keeps the whole object on the canvas; the offset is uniform over all that do.
 *
 * Where an object of the drawn extent does not fit at the drawn angle, it is shrunk until it just does.
 */
export function drawPlacement(
  rng: Rng,
  box: Box,
  canvas: number,
  { extent, rotation }: PlacementRange,
): Placement {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const wanted = rng.uniform(...extent) * canvas / Math.max(width, height, 1);
  const angle = rng.uniform(-rotation, rotation) * Math.PI / 180;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const across = width * cos + height * sin; // the rotated box's own box, at scale 1
  const down = width * sin + height * cos;
  const scale = Math.min(wanted, canvas / Math.max(across, down, 1));
  const place = (length: number) => {
    const slack = Math.max(0, canvas - length * scale);
    return canvas / 2 + rng.uniform(-0.5, 0.5) * slack;
  };
  return { scale, angle, x: place(across), y: place(down) };
}

/** Colours each sprite lies on when composited, 0–255. */
export type Rgb = readonly [number, number, number];

/**
 * Renders one placed object.
 *
 * @param pixels `[H, H, 3]`, overwritten: the object over `background` (for grey, the grey three times).
 * @param mask `[H, H]`, overwritten if given: the alpha, or the grey.
 */
export function renderSprite(
  sprite: Sprite,
  placement: Placement,
  canvas: number,
  background: Rgb,
  pixels: Uint8Array,
  mask?: Uint8Array,
): void {
  const C = sprite.channels;
  const sum = new Float64Array(C);
  const sample = sampler(sprite, placement, sum);
  const { top, bottom, left, right } = reach(sprite.box, placement, canvas);
  for (let y = 0, i = 0; y < canvas; y++) {
    for (let x = 0; x < canvas; x++, i++) {
      sum.fill(0);
      if (y >= top && y < bottom && x >= left && x < right) sample(x, y);
      const rest = C === 4 ? 1 - sum[3]! / 255 : 0;
      for (let c = 0; c < 3; c++) {
        pixels[i * 3 + c] = (C === 4 ? sum[c]! : sum[0]!) + rest * background[c]! + 0.5;
      }
      if (mask) mask[i] = sum[C - 1]! + 0.5;
    }
  }
}

/**
 * A function that writes the mean of 2 × 2 bilinear samples of canvas pixel (x, y) to `sum`. On the level chosen a sample
 * step is below one raster pixel, so every raster pixel under the canvas pixel counts.
 */
function sampler(
  sprite: Sprite,
  { scale, angle, x: cx, y: cy }: Placement,
  sum: Float64Array,
): (x: number, y: number) => void {
  const level = Math.min(
    sprite.levels.length - 1,
    Math.max(0, Math.floor(Math.log2(1 / scale))),
  );
  const shrink = 2 ** level;
  const [raster, S, C] = [sprite.levels[level]!, sprite.sizes[level]!, sprite.channels];
  const { box } = sprite;
  const u0 = (box.left + box.right) / 2 / shrink - 0.5;
  const v0 = (box.top + box.bottom) / 2 / shrink - 0.5;
  const cos = Math.cos(angle) / scale / shrink;
  const sin = Math.sin(angle) / scale / shrink;
  return (x, y) => {
    for (let k = 0; k < 4; k++) {
      const dx = x + (k & 1 ? 0.75 : 0.25) - cx;
      const dy = y + (k & 2 ? 0.75 : 0.25) - cy;
      addBilinear(raster, S, C, u0 + cos * dx + sin * dy, v0 - sin * dx + cos * dy, sum);
    }
  };
}

/** Adds a quarter of the bilinear sample at (u, v), in pixel centres, to `sum`. */
function addBilinear(
  raster: Uint8Array,
  S: number,
  C: number,
  u: number,
  v: number,
  sum: Float64Array,
): void {
  const [x, y] = [Math.floor(u), Math.floor(v)];
  const [fx, fy] = [u - x, v - y];
  if (x >= 0 && y >= 0 && x < S - 1 && y < S - 1) { // inside: the same sum, three times as fast
    const at = (y * S + x) * C;
    const below = at + S * C;
    for (let c = 0; c < C; c++) {
      const top = raster[at + c]! * (1 - fx) + raster[at + C + c]! * fx;
      const bottom = raster[below + c]! * (1 - fx) + raster[below + C + c]! * fx;
      sum[c]! += 0.25 * (top * (1 - fy) + bottom * fy);
    }
    return;
  }
  for (let k = 0; k < 4; k++) {
    const [i, j] = [x + (k & 1), y + (k >> 1)];
    if (i < 0 || j < 0 || i >= S || j >= S) continue;
    const weight = 0.25 * (k & 1 ? fx : 1 - fx) * (k >> 1 ? fy : 1 - fy);
    for (let c = 0, at = (j * S + i) * C; c < C; c++) sum[c]! += weight * raster[at + c]!;
  }
}

/** The canvas pixels an object can touch. */
function reach(box: Box, { scale, angle, x, y }: Placement, canvas: number): Box {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const border = 1 + scale; // of bilinear interpolation and of the pixel itself
  const [w, h] = [
    (width * cos + height * sin) * scale / 2 + border,
    (width * sin + height * cos) * scale / 2 + border,
  ];
  const clip = (value: number) => Math.min(canvas, Math.max(0, value));
  return {
    left: clip(Math.floor(x - w)),
    top: clip(Math.floor(y - h)),
    right: clip(Math.ceil(x + w)),
    bottom: clip(Math.ceil(y + h)),
  };
}

/** Mean of 2 × 2 pixels: `[S, S, C]` → `[S/2, S/2, C]`. */
function halve(raster: Uint8Array, S: number, C: number): Uint8Array {
  const half = S / 2;
  const out = new Uint8Array(half * half * C);
  const row = S * C;
  for (let y = 0, o = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const at = y * 2 * row + x * 2 * C;
      for (let c = at; c < at + C; c++) {
        out[o++] = (raster[c]! + raster[c + C]! + raster[c + row]! + raster[c + row + C]! + 2) >> 2;
      }
    }
  }
  return out;
}

function boxOf(raster: Uint8Array, S: number, C: number): Box {
  let [left, top, right, bottom] = [S, S, 0, 0];
  for (let y = 0, i = C - 1; y < S; y++) {
    for (let x = 0; x < S; x++, i += C) {
      if (raster[i] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  return right > left ? { left, top, right, bottom } : { left: 0, top: 0, right: S, bottom: S };
}
