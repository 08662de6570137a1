/**
 * Places an object at a scale, angle and offset on a canvas, so that two pictures of one thing
 * differ pixel by pixel.
 *
 * S is the side of the object's raster and H that of the canvas, both square, in pixels. A raster
 * pixel is one 32-bit word 0xAABBGGRR with premultiplied alpha, so that two channels are computed
 * at once; outside the raster it is 0.
 */
import type { Rng } from "lib/rng.ts";

/** A rectangle in pixels; `right` and `bottom` are exclusive. */
export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * An object ready to be placed: its raster, halved again and again, and the box that holds all of
 * it.
 */
export interface Sprite {
  /**
   * `[S / 2^l, S / 2^l]` words for l = 0, 1, …: shrinking samples from the level nearest in size.
   */
  readonly levels: readonly Uint32Array[];
  /** S of each level. */
  readonly sizes: readonly number[];
  /** The smallest box outside which alpha is 0; the whole raster if it is 0 everywhere. */
  readonly box: Bounds;
}

/**
 * The place of an object on a canvas: canvas = centre + scale · rotation(angle) · (raster − centre
 * of the box).
 */
export interface Placement {
  /** Canvas pixels per raster pixel. */
  readonly scale: number;
  /** Radians, clockwise as seen. */
  readonly angle: number;
  /** The place of the centre of the object's box, in canvas pixels from the left and top edge. */
  readonly x: number;
  readonly y: number;
}

/** The range from which placements are drawn, uniformly. */
export interface PlacementRange {
  /** The longer side of the object's box over the side of the canvas. */
  readonly extent: readonly [min: number, max: number];
  /** Largest rotation to either side, in degrees. */
  readonly rotation: number;
}

/**
 * Prepares a raster for placing; it is copied.
 *
 * @param raster `[S, S, 4]`, RGBA with premultiplied alpha; or `[S, S]`, grey, which is its own
 *   alpha (ink on nothing).
 * @throws {TypeError} If the number of values is neither.
 */
export function makeSprite(raster: Uint8Array, size: number): Sprite {
  const channels = raster.length / (size * size);
  if (channels !== 1 && channels !== 4) {
    throw new TypeError(
      `Cannot make a sprite of ${size}×${size}×1 or 4: current raster has ${raster.length} values`,
    );
  }
  const words = channels === 4
    // Machines that run Deno are little-endian.
    ? new Uint32Array(new Uint8Array(raster).buffer)
    : Uint32Array.from(raster, (grey) => grey * 0x01010101);
  const levels: Uint32Array[] = [words];
  const sizes = [size];
  while (sizes.at(-1)! % 2 === 0 && sizes.at(-1)! > 8) {
    levels.push(halve(levels.at(-1)!, sizes.at(-1)!));
    sizes.push(sizes.at(-1)! / 2);
  }
  return { levels, sizes, box: boxOf(words, size) };
}

/**
 * Draws a placement that keeps the whole object on the canvas; the offset is uniform over all that
 * do.
 *
 * If an object of the drawn extent does not fit at the drawn angle, it is shrunk until it just
 * does.
 */
export function drawPlacement(
  rng: Rng,
  box: Bounds,
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

/** Red, green and blue, whole numbers 0–255. */
export type Rgb = readonly [number, number, number];

/**
 * Renders one placed object.
 *
 * @param background One colour, or the pixels `[H, H, 3]` behind the object; they may be those of
 *   `pixels`.
 * @param pixels `[H, H, 3]`, overwritten: the object over `background`.
 * @param mask `[H, H]`, overwritten if given: the object's alpha.
 */
export function renderSprite(
  sprite: Sprite,
  placement: Placement,
  canvas: number,
  background: Rgb | Uint8Array,
  pixels: Uint8Array,
  mask?: Uint8Array,
): void {
  const ground = background instanceof Uint8Array ? background : Uint8Array.from(background);
  const step = background instanceof Uint8Array ? 3 : 0; // from one pixel's colour to the next
  const map = inverse(sprite, placement);
  const { left, top, right, bottom } = reach(sprite.box, placement, canvas);
  const sum = new Uint32Array(2); // of four samples: red and blue, green and alpha, 16 bits each
  for (let y = 0, i = 0; y < canvas; y++) {
    const row = y >= top && y < bottom;
    for (let x = 0; x < canvas; x++, i++) {
      if (row && x >= left && x < right) takeSamples(map, x, y, sum);
      else sum[0] = sum[1] = 0;
      const alpha = (sum[1]! >>> 16) / 4;
      const rest = 1 - alpha / 255;
      const at = i * step;
      pixels[i * 3] = (sum[0]! & 0xffff) / 4 + rest * ground[at]! + 0.5;
      pixels[i * 3 + 1] = (sum[1]! & 0xffff) / 4 + rest * ground[at + 1]! + 0.5;
      pixels[i * 3 + 2] = (sum[0]! >>> 16) / 4 + rest * ground[at + 2]! + 0.5;
      if (mask) mask[i] = alpha + 0.5;
    }
  }
}

/**
 * The map from canvas to raster: u = u0 + cos · x + sin · y, v = v0 − sin · x + cos · y, in pixel
 * centres of the level.
 */
interface Inverse {
  readonly raster: Uint32Array; // [S, S]
  readonly S: number;
  readonly u0: number;
  readonly v0: number;
  readonly cos: number;
  readonly sin: number;
}

/**
 * The level at which half a canvas pixel is at most one raster pixel, so that 2 × 2 samples see all
 * that lies under a pixel.
 */
function inverse(sprite: Sprite, { scale, angle, x, y }: Placement): Inverse {
  const wanted = Math.max(0, Math.floor(Math.log2(1 / scale)));
  const level = Math.min(sprite.levels.length - 1, wanted);
  const shrink = 2 ** level;
  const { left, top, right, bottom } = sprite.box;
  const cos = Math.cos(angle) / scale / shrink;
  const sin = Math.sin(angle) / scale / shrink;
  return {
    raster: sprite.levels[level]!,
    S: sprite.sizes[level]!,
    u0: (left + right) / 2 / shrink - 0.5 - cos * x - sin * y,
    v0: (top + bottom) / 2 / shrink - 0.5 + sin * x - cos * y,
    cos,
    sin,
  };
}

/**
 * Writes the sum of 2 × 2 bilinear samples of canvas pixel (x, y) to `sum`. Weights are in 256ths.
 */
function takeSamples(map: Inverse, x: number, y: number, sum: Uint32Array): void {
  const { raster, S } = map;
  let [redBlue, greenAlpha] = [0, 0];
  for (let k = 0; k < 4; k++) {
    const dx = x + (k & 1 ? 0.75 : 0.25);
    const dy = y + (k & 2 ? 0.75 : 0.25);
    const u = map.u0 + map.cos * dx + map.sin * dy;
    const v = map.v0 - map.sin * dx + map.cos * dy;
    const i = Math.floor(u);
    const j = Math.floor(v);
    if (i < -1 || j < -1 || i >= S || j >= S) continue;
    const fx = (u - i) * 256 | 0;
    const fy = (v - j) * 256 | 0;
    const w11 = fx * fy >> 8; // the four weights are never negative and add up to 256
    const at = j * S + i;
    const inside = i >= 0 && j >= 0 && i < S - 1 && j < S - 1;
    const p00 = inside || (i >= 0 && j >= 0) ? raster[at]! : 0;
    const p10 = inside || (i < S - 1 && j >= 0) ? raster[at + 1]! : 0;
    const p01 = inside || (i >= 0 && j < S - 1) ? raster[at + S]! : 0;
    const p11 = inside || (i < S - 1 && j < S - 1) ? raster[at + S + 1]! : 0;
    const w00 = 256 - fx - fy + w11;
    redBlue += blend(p00, p10, p01, p11, w00, fx - w11, fy - w11, w11);
    greenAlpha += blend(p00 >>> 8, p10 >>> 8, p01 >>> 8, p11 >>> 8, w00, fx - w11, fy - w11, w11);
  }
  sum[0] = redBlue;
  sum[1] = greenAlpha;
}

const lanes = 0x00ff00ff; // two channels of 8 bits with room for 16

/** The weighted mean of the two channels of four words, rounded. */
function blend(
  p00: number,
  p10: number,
  p01: number,
  p11: number,
  w00: number,
  w10: number,
  w01: number,
  w11: number,
): number {
  const sum = Math.imul(p00 & lanes, w00) + Math.imul(p10 & lanes, w10) +
    Math.imul(p01 & lanes, w01) + Math.imul(p11 & lanes, w11) + 0x00800080;
  return sum >>> 8 & lanes;
}

/** The canvas pixels an object can touch. */
function reach(box: Bounds, { scale, angle, x, y }: Placement, canvas: number): Bounds {
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

/** Mean of 2 × 2 pixels: `[S, S]` → `[S/2, S/2]`. */
function halve(raster: Uint32Array, S: number): Uint32Array {
  const half = S / 2;
  const out = new Uint32Array(half * half);
  // As signed numbers, which V8 keeps in registers as they are; unsigned ones it takes for floats.
  const words = new Int32Array(raster.buffer, raster.byteOffset, raster.length);
  for (let y = 0, o = 0; y < half; y++) {
    for (let x = 0, at = y * 2 * S; x < half; x++, o++, at += 2) {
      const a = words[at]!;
      const b = words[at + 1]!;
      const c = words[at + S]!;
      const d = words[at + S + 1]!;
      if ((a | b | c | d) === 0) continue;
      const redBlue = (a & lanes) + (b & lanes) + (c & lanes) + (d & lanes) + 0x00020002;
      const greenAlpha = (a >>> 8 & lanes) + (b >>> 8 & lanes) + (c >>> 8 & lanes) +
        (d >>> 8 & lanes) + 0x00020002;
      out[o] = redBlue >>> 2 & lanes | (greenAlpha >>> 2 & lanes) << 8;
    }
  }
  return out;
}

/** The smallest box outside which alpha is 0; the whole raster if it is 0 everywhere. */
function boxOf(raster: Uint32Array, S: number): Bounds {
  const seen = (x: number, y: number) => raster[y * S + x]! >>> 24 !== 0;
  const rowSeen = (y: number) => {
    for (let x = 0; x < S; x++) if (seen(x, y)) return true;
    return false;
  };
  let [top, bottom] = [0, S];
  while (top < S && !rowSeen(top)) top++;
  if (top === S) return { left: 0, top: 0, right: S, bottom: S };
  while (!rowSeen(bottom - 1)) bottom--;
  let [left, right] = [S, 0];
  for (let y = top; y < bottom; y++) { // looks only at what may widen the box
    for (let x = 0; x < left; x++) if (seen(x, y)) left = x;
    for (let x = S - 1; x >= right; x--) if (seen(x, y)) right = x + 1;
  }
  return { left, top, right, bottom };
}
