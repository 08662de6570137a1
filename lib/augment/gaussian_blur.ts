/**
 * Pillow's GaussianBlur: three extended box blurs along the rows, then three along the columns.
 * Each of the six rounds its result to 8 bits.
 */
import type { Raster } from "./raster.ts";

/**
 * Blurs an image in place; the pixels of an edge are repeated beyond it.
 *
 * @param radius Standard deviation of the Gaussian, in pixels.
 * @throws {RangeError} If the radius is negative or not finite.
 */
export function gaussianBlur(
  { data, width, height, channels }: Raster,
  radius: number,
): void {
  if (!(radius >= 0 && radius < Infinity)) {
    throw new RangeError(`Cannot blur with radius ${radius}: need a finite radius of at least 0`);
  }
  const box = boxOf(radius);
  if (box.side === 0 && box.edge === 0) return;
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    for (let c = 0; c < channels; c++) {
      blurLine(data, y * rowLength + c, channels, width, box);
    }
  }
  for (let i = 0; i < rowLength; i++) blurLine(data, i, rowLength, height, box);
}

/**
 * A box of 2·side + 1 whole pixels and a part of the next one on each side. Weights are in units of
 * 2^-24.
 */
interface ExtendedBox {
  readonly side: number;
  readonly inner: number;
  readonly edge: number;
}

/** The box that, used three times, has the variance of the Gaussian (Gwosdek et al. 2011). */
function boxOf(sigma: number): ExtendedBox {
  const radius = boxRadius(sigma);
  const side = Math.trunc(radius);
  const inner = Math.trunc(fround(0x100_0000 / fround(radius * 2 + 1)));
  return { side, inner, edge: Math.trunc((0x100_0000 - (side * 2 + 1) * inner) / 2) };
}

/**
 * Radius of the box, in single precision as in Pillow: the weights' last bits decide some
 * roundings.
 */
function boxRadius(sigma: number): number {
  const variance = fround(fround(fround(sigma) ** 2) / 3);
  const l = Math.floor((fround(Math.sqrt(12 * variance + 1)) - 1) / 2);
  const above = fround((2 * l + 1) * fround(l * (l + 1) - fround(3 * variance)));
  return fround(l + fround(above / fround(6 * fround(variance - (l + 1) ** 2))));
}

const { fround } = Math;

/**
 * Makes three passes over `count` values that are `stride` apart. Nearly every blur of a training
 * recipe has a box with a side of 0 or 1, so these two have faster code of their own.
 */
function blurLine(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  box: ExtendedBox,
): void {
  if (box.side === 0 && count > 2) return blurLineNarrow(data, start, stride, count, box);
  for (let pass = 0; pass < 3; pass++) {
    if (box.side === 1) boxPassOfThree(data, start, stride, count, box);
    else boxPass(data, start, stride, count, box);
  }
}

/** One pass of a box of three pixels and parts of two more; the five values stay in variables. */
function boxPassOfThree(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  { inner, edge }: ExtendedBox,
): void {
  const end = start + count * stride;
  let ahead = start + 2 * stride;
  let b = data[start]!;
  let a = b;
  let c = b;
  let d = count > 1 ? data[start + stride]! : b;
  for (let i = start; i < end; i += stride, ahead += stride) {
    const e = ahead < end ? data[ahead]! : d;
    data[i] = (Math.imul(b + c + d, inner) + Math.imul(a + e, edge) + 0x80_0000) >>> 24;
    a = b;
    b = c;
    c = d;
    d = e;
  }
}

/** One pass of a box of any size: a running sum over a copy of the line. */
function boxPass(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  { side, inner, edge }: ExtendedBox,
): void {
  const line = extendedLine(data, start, stride, count, side + 1);
  let sum = 0; // sum of the 2·side + 1 pixels around the position before the first pixel
  for (let x = 0; x < 2 * side + 1; x++) sum += line[x]!;
  for (let x = 0; x < count; x++) {
    const left = line[x]!;
    sum += line[x + 2 * side + 1]! - left;
    const far = left + line[x + 2 * side + 2]!;
    data[start + x * stride] = (Math.imul(sum, inner) + Math.imul(far, edge) + 0x80_0000) >>> 24;
  }
}

let lineBuffer = new Uint8Array(0);

/** Copies a line, with its first and last value repeated `margin` times. */
function extendedLine(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  margin: number,
): Uint8Array {
  const length = count + 2 * margin;
  if (lineBuffer.length < length) lineBuffer = new Uint8Array(length);
  for (let x = 0; x < length; x++) {
    const nearest = Math.min(Math.max(x - margin, 0), count - 1);
    lineBuffer[x] = data[start + nearest * stride]!;
  }
  return lineBuffer;
}

/**
 * Makes all three passes at once for a box below three pixels, the usual case: each value is read
 * and written once.
 */
function blurLineNarrow(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  { inner, edge }: ExtendedBox,
): void {
  let a0 = data[start + stride]!; // a0, a1: the last two inputs
  let a1 = data[start + 2 * stride]!;
  let b0 = mix(data[start]!, data[start]!, a0, inner, edge); // b0, b1: last two of the first pass
  let b1 = mix(data[start]!, a0, a1, inner, edge);
  let c0 = mix(b0, b0, b1, inner, edge); // c0, c1: last two of the second pass
  let c1 = c0;
  let out = start;
  for (let x = 3, i = start + 3 * stride; x < count; x++, i += stride, out += stride) {
    const a = data[i]!;
    const b = mix(a0, a1, a, inner, edge);
    const c = mix(b0, b1, b, inner, edge);
    data[out] = mix(c0, c1, c, inner, edge);
    a0 = a1;
    a1 = a;
    b0 = b1;
    b1 = b;
    c0 = c1;
    c1 = c;
  }
  const b = mix(a0, a1, a1, inner, edge);
  const c = mix(b0, b1, b, inner, edge);
  const last = mix(b1, b, b, inner, edge);
  data[out] = mix(c0, c1, c, inner, edge);
  data[out + stride] = mix(c1, c, last, inner, edge);
  data[out + 2 * stride] = mix(c, last, last, inner, edge);
}

function mix(left: number, middle: number, right: number, inner: number, edge: number): number {
  return (Math.imul(middle, inner) + Math.imul(left + right, edge) + 0x80_0000) >>> 24;
}
