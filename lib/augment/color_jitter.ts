/**
 * ColorJitter as torchvision applies it to Pillow images: brightness, contrast, saturation and hue
 * in a random order.
 */
import { luma } from "./grayscale.ts";
import { shiftHue } from "./hue.ts";
import type { Raster } from "./raster.ts";
import type { Rng } from "lib/rng.ts";

/**
 * Half-widths of the ranges: a factor is uniform in 1 ± strength, the shift of the hue in ±
 * strength.
 */
export interface JitterStrength {
  /** Half-width of the factor of the brightness. */
  readonly brightness: number;
  /** Half-width of the factor of the contrast. */
  readonly contrast: number;
  /** Half-width of the factor of the saturation. */
  readonly saturation: number;
  /** Largest shift of the hue, in turns of the colour circle; at most 0.5. */
  readonly hue: number;
}

export type JitterOp = keyof JitterStrength;

/** One random draw: three factors around 1, a shift of the hue in turns, and their order. */
export interface JitterParams extends JitterStrength {
  readonly order: readonly JitterOp[];
}

const OPS: readonly JitterOp[] = ["brightness", "contrast", "saturation", "hue"];

/** Draws a random order and four random amounts. */
export function sampleColorJitter(rng: Rng, strength: JitterStrength): JitterParams {
  const order = OPS.slice();
  for (let i = 3; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const factor = (amount: number) => rng.uniform(Math.max(0, 1 - amount), 1 + amount);
  return {
    order,
    brightness: factor(strength.brightness),
    contrast: factor(strength.contrast),
    saturation: factor(strength.saturation),
    hue: rng.uniform(-strength.hue, strength.hue),
  };
}

/** Applies one draw in place. Saturation and hue do nothing to an image of one channel. */
export function colorJitter(image: Raster, params: JitterParams): void {
  for (const op of params.order) {
    if (op === "brightness") adjustBrightness(image, params.brightness);
    else if (op === "contrast") adjustContrast(image, params.contrast);
    else if (image.channels === 1) continue;
    else if (op === "saturation") adjustSaturation(image, params.saturation);
    else shiftHue(image, params.hue);
  }
}

/** Blends with black, in place: 0 is black, 1 changes nothing. */
export function adjustBrightness(image: Raster, factor: number): void {
  blendWithConstant(image.data, 0, factor);
}

/** Blends with the image's mean luma, in place: 0 is flat grey, 1 changes nothing. */
export function adjustContrast(image: Raster, factor: number): void {
  blendWithConstant(image.data, Math.trunc(meanLuma(image) + 0.5), factor);
}

/** Blends with the image's own luma, in place: 0 is grey, 1 changes nothing. */
export function adjustSaturation({ data, channels }: Raster, factor: number): void {
  const alpha = fround(factor);
  if (alpha === 1 || channels === 1) return;
  for (let d = -255; d < 256; d++) moves[255 + d] = alpha * d;
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const grey = luma(r, g, b);
    const middle = 255 - grey;
    data[i] = clamp8(fround(grey + moves[middle + r]!) | 0);
    data[i + 1] = clamp8(fround(grey + moves[middle + g]!) | 0);
    data[i + 2] = clamp8(fround(grey + moves[middle + b]!) | 0);
  }
}

/**
 * The new distance of a value from the luma, for each old distance −255 … 255, in single precision
 * as in Pillow.
 */
const moves = new Float32Array(511);

function clamp8(value: number): number {
  return (value & -256) === 0 ? value : value < 0 ? 0 : 255;
}

function meanLuma({ data, channels }: Raster): number {
  let sum = 0;
  if (channels === 1) { for (let i = 0; i < data.length; i++) sum += data[i]!; }
  else {for (let i = 0; i < data.length; i += 3) {
      sum += luma(data[i]!, data[i + 1]!, data[i + 2]!);
    }}
  return sum / (data.length / channels);
}

const table = new Uint8Array(256);

function blendWithConstant(data: Uint8Array, constant: number, factor: number): void {
  const alpha = fround(factor);
  if (alpha === 1) return;
  for (let value = 0; value < 256; value++) table[value] = blend(constant, value, alpha);
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!;
}

/**
 * Image.blend of two bytes as in Pillow: in single precision, and truncated to a byte, not rounded.
 */
function blend(from: number, to: number, alpha: number): number {
  return clamp8(fround(from + fround(alpha * (to - from))) | 0);
}

const { fround } = Math;
