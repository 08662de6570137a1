/** The two passes of a resize: weighted sums along the rows, then along the columns, rounded to 8 bits in between. */
import { PRECISION, type Resampling } from "lib/augment/_filters.ts";

/** Rows of bytes in a larger array. */
export interface Rows {
  readonly data: Uint8Array;
  /** Where the first row starts. */
  readonly start: number;
  /** From one row's start to the next one's. */
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

/** Horizontal pass over `count` rows, in blocks that stay in the cache, since the inner loop walks down a column. */
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

/** Vertical pass: every output row is a weighted sum of input rows, whatever the channels. */
export function resampleColumns(from: Rows, to: Rows, length: number, axis: Resampling): void {
  const blend = axis.taps === 4 ? blendFour : blendMany;
  for (let y = 0; y < axis.starts.length; y++) {
    const first = from.start + axis.starts[y]! * from.stride;
    blend(from.data, first, from.stride, 1, to.data, to.start + y * to.stride, 1, length, axis, y);
  }
}

const HALF = 1 << (PRECISION - 1);

/**
 * The weighted sum of a number of inputs, `apart` from each other, for `count` outputs, `step` from each other there
 * and `stride` here. With four weights, as in every enlargement, they stay in registers.
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

/** The same for any number of weights. */
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
