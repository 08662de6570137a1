/**
 * The two passes of a resize: weighted sums along the rows, then along the columns, rounded to 8
 * bits in between.
 */
import { PRECISION, type Resampling } from "./_filters.ts";

/** Rows of bytes in a larger array. */
export interface Rows {
  readonly data: Uint8Array;
  /** Index in `data` where the first row starts. */
  readonly start: number;
  /** Distance in `data` from the start of one row to the start of the next. */
  readonly stride: number;
}

/** Copies the first `length` bytes of `count` rows. */
export function copyRows(from: Rows, to: Rows, length: number, count: number): void {
  for (let y = 0; y < count; y++) {
    const source = from.start + y * from.stride;
    const target = to.start + y * to.stride;
    for (let i = 0; i < length; i++) to.data[target + i] = from.data[source + i]!;
  }
}

/**
 * Horizontal pass over `count` rows. The inner loop walks down a column, so the rows are taken in
 * blocks that fit into the processor's cache.
 */
export function resampleRows(
  from: Rows,
  to: Rows,
  count: number,
  channels: number,
  axis: Resampling,
): void {
  const blend = axis.taps === 4 ? blendFour : blendMany;
  for (let y = 0; y < count; y += 32) {
    const rows = Math.min(32, count - y);
    const source = from.start + y * from.stride;
    const target = to.start + y * to.stride;
    for (let x = 0; x < axis.starts.length; x++) {
      const first = source + axis.starts[x]! * channels;
      for (let c = 0; c < channels; c++) {
        const into = target + x * channels + c;
        blend(from.data, first + c, channels, from.stride, to.data, into, to.stride, rows, axis, x);
      }
    }
  }
}

/** Vertical pass: every output row is a weighted sum of input rows, for any number of channels. */
export function resampleColumns(from: Rows, to: Rows, length: number, axis: Resampling): void {
  const blend = axis.taps === 4 ? blendFour : blendMany;
  for (let y = 0; y < axis.starts.length; y++) {
    const first = from.start + axis.starts[y]! * from.stride;
    blend(from.data, first, from.stride, 1, to.data, to.start + y * to.stride, 1, length, axis, y);
  }
}

const HALF = 1 << (PRECISION - 1);

/**
 * Writes `count` weighted sums of four inputs each. Every enlargement has four weights, which then
 * stay in registers.
 *
 * @param apart Distance between the four inputs of one sum.
 * @param stride Distance between the first inputs of one sum and of the next.
 * @param step Distance between one output and the next.
 * @param row Index of the output position whose weights to use.
 */
function blendFour(
  from: Uint8Array,
  first: number,
  apart: number,
  stride: number,
  to: Uint8Array,
  target: number,
  step: number,
  count: number,
  { weights }: Resampling,
  row: number,
): void {
  const a = weights[row * 4]!;
  const b = weights[row * 4 + 1]!;
  const c = weights[row * 4 + 2]!;
  const d = weights[row * 4 + 3]!;
  let second = first + apart;
  let third = second + apart;
  let fourth = third + apart;
  for (let n = 0; n < count; n++) {
    to[target] = clamp8(
      Math.imul(from[first]!, a) + Math.imul(from[second]!, b) + Math.imul(from[third]!, c) +
        Math.imul(from[fourth]!, d) + HALF,
    );
    first += stride;
    second += stride;
    third += stride;
    fourth += stride;
    target += step;
  }
}

/** Does the same as {@linkcode blendFour}, for any number of weights. */
function blendMany(
  from: Uint8Array,
  first: number,
  apart: number,
  stride: number,
  to: Uint8Array,
  target: number,
  step: number,
  count: number,
  { weights, taps }: Resampling,
  row: number,
): void {
  const start = row * taps;
  for (let n = 0; n < count; n++) {
    let sum = HALF;
    for (let t = 0, i = first; t < taps; t++, i += apart) {
      sum = (sum + Math.imul(from[i]!, weights[start + t]!)) | 0;
    }
    to[target] = clamp8(sum);
    first += stride;
    target += step;
  }
}

function clamp8(sum: number): number {
  const value = sum >> PRECISION;
  return (value & -256) === 0 ? value : value < 0 ? 0 : 255; // one branch, rarely taken
}
