/** Parts that filters share: weighted sums of rows, and pixels beyond an edge. */

/**
 * Rule for pixels beyond an edge, by SciPy's names: `nearest` aaa|abcd|ddd, `reflect` cba|abcd|dcb,
 * `mirror` dcb|abcd|cba.
 */
export type Border = "nearest" | "reflect" | "mirror";

/** Index of the pixel that stands for pixel `at` of a line of `count`. */
export function borderIndex(at: number, count: number, border: Border): number {
  if (at >= 0 && at < count) return at;
  if (border === "nearest" || count === 1) return at < 0 ? 0 : count - 1;
  const period = border === "reflect" ? 2 * count : 2 * count - 2;
  const within = ((at % period) + period) % period;
  return within < count ? within : (border === "reflect" ? period - 1 : period) - within;
}

/**
 * Copies a row of pixels with `margin` more on each side.
 *
 * @param out `[(count + 2 · margin) · channels]`
 */
export function padRow(
  from: ArrayLike<number>,
  start: number,
  count: number,
  channels: number,
  margin: number,
  border: Border,
  out: Float64Array,
): void {
  for (let i = 0; i < count * channels; i++) out[margin * channels + i] = from[start + i]!;
  for (let x = 1; x <= margin; x++) {
    const left = start + borderIndex(-x, count, border) * channels;
    const right = start + borderIndex(count - 1 + x, count, border) * channels;
    for (let c = 0; c < channels; c++) {
      out[(margin - x) * channels + c] = from[left + c]!;
      out[(margin + count - 1 + x) * channels + c] = from[right + c]!;
    }
  }
}

/** A symmetric filter: the weight of the middle, and the weights at each distance on both sides. */
export interface SymmetricTaps {
  readonly middle: number;
  /**
   * Weights by distance: at least four, and a multiple of four, which are used in one pass; the
   * last ones may be 0.
   */
  readonly weights: Float64Array;
  /** `[weights]`, the offset of the rows or pixels on either side. */
  readonly before: Int32Array;
  readonly after: Int32Array;
}

/**
 * Computes `out[at + i] = middle · from[center + i] + Σ weights[t] · (from[before[t] + i] +
 * from[after[t] + i])`.
 */
export function symmetricRow(
  from: Float64Array,
  center: number,
  { middle, weights, before, after }: SymmetricTaps,
  out: Float64Array,
  at: number,
  length: number,
): void {
  for (let t = 0; t < weights.length; t += 4) {
    const [a, b, c, d] = [before[t]!, before[t + 1]!, before[t + 2]!, before[t + 3]!];
    const [e, f, g, h] = [after[t]!, after[t + 1]!, after[t + 2]!, after[t + 3]!];
    const [p, q, r, s] = [weights[t]!, weights[t + 1]!, weights[t + 2]!, weights[t + 3]!];
    const [base, w] = t === 0 ? [from, middle] : [out, 1];
    const start = t === 0 ? center : at;
    for (let i = 0; i < length; i++) {
      out[at + i] = w * base[start + i]! + p * (from[a + i]! + from[e + i]!) +
        q * (from[b + i]! + from[f + i]!) + r * (from[c + i]! + from[g + i]!) +
        s * (from[d + i]! + from[h + i]!);
    }
  }
}
