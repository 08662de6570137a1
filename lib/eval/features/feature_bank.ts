/** Features of many images, in memory or on disk, read a block at a time. N images, D features. */

/** Features `[N, D]`, row-major, with a class for each row. */
export interface LabelledFeatures {
  readonly features: Float32Array;
  readonly labels: Int32Array;
}

/** Labelled features that need not all be in memory at once. */
export interface FeatureBank {
  /** D. */
  readonly dim: number;
  /** `[N]`. */
  readonly labels: Int32Array;
  /**
   * Reads rows `from … to − 1`, `[to − from, D]`. They must not be changed, and are valid until the
   * next call.
   */
  rows(from: number, to: number): Float32Array;
}

/**
 * Wraps features in memory as a bank, without copying them; a bank is returned as it is.
 *
 * @param what Name of the set in error messages: `training`, `test`.
 * @throws {RangeError} If there is no row, or features and labels differ in number.
 */
export function bankOf(set: LabelledFeatures | FeatureBank, what: string): FeatureBank {
  const count = set.labels.length;
  if (count === 0) throw new RangeError(`Cannot use the ${what} features: there are none`);
  if ("rows" in set) return set;
  const { features, labels } = set;
  const dim = features.length / count;
  if (!Number.isInteger(dim)) {
    throw new RangeError(
      `Cannot use the ${what} features: ${features.length} numbers for ${count} labels`,
    );
  }
  return { dim, labels, rows: (from, to) => features.subarray(from * dim, to * dim) };
}

/**
 * Copies rows, scaled to length 1; a row of zeros stays zero. Lengths are summed in double
 * precision.
 *
 * @param rows `[n, dim]`
 * @param out Receives the rows from its start; at least as long as `rows`.
 */
export function writeUnitRows(rows: Float32Array, dim: number, out: Float32Array): void {
  for (let from = 0; from < rows.length; from += dim) {
    const end = from + dim;
    let square = 0;
    for (let i = from; i < end; i++) square += rows[i]! * rows[i]!;
    const scale = 1 / Math.max(Math.sqrt(square), 1e-12); // PyTorch's eps in F.normalize
    for (let i = from; i < end; i++) out[i] = rows[i]! * scale;
  }
}
