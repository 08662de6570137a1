/** The principal components of some rows: the directions in which they differ most. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Principal components of rows with C channels, the one with the largest variance first. */
export interface PrincipalComponents {
  /** `[C]`, the mean of all rows. */
  readonly mean: Float64Array;
  /** Directions of length 1, each `[C]`, at right angles to each other. */
  readonly directions: readonly Float64Array[];
  /** For each direction, the share of the rows' variance that lies along it; their sum is at most 1. */
  readonly shares: readonly number[];
}

/**
 * The first principal components, by the eigenvectors of the rows' covariance.
 *
 * A direction and its opposite say the same. Here the channel of largest magnitude is positive, as
 * in scikit-learn's `PCA`, so that the same rows give the same signs on every machine. Where rows
 * differ in fewer directions than `count`, the shares of the rest are 0.
 *
 * @param rows `[P, C]`, P at least 1.
 * @param count Number of components, at most C.
 * @throws {RangeError} If there is no row, `count` is not an integer from 1 to C, or a value is not
 *   finite.
 */
export function principalComponents(
  rows: Float32Array,
  channels: number,
  count: number,
): PrincipalComponents {
  check(rows, channels, count);
  const mean = meanRow(rows, channels);
  const covariance = covarianceOf(rows, mean);
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  }); // ascending
  const total = realEigenvalues.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const largest = Array.from({ length: count }, (_, i) => channels - 1 - i);
  return {
    mean,
    directions: largest.map((i) => signed(eigenvectorMatrix.getColumn(i))),
    shares: largest.map((i) => total > 0 ? Math.max(realEigenvalues[i]!, 0) / total : 0),
  };
}

function check({ length }: Float32Array, channels: number, count: number): void {
  if (length === 0 || length % channels !== 0) {
    throw new RangeError(`Cannot find principal components of ${length / channels} rows: need one`);
  }
  if (Number.isInteger(count) && count >= 1 && count <= channels) return;
  throw new RangeError(
    `Cannot find ${count} principal components: rows of ${channels} channels have 1 to ${channels}`,
  );
}

function meanRow(rows: Float32Array, channels: number): Float64Array {
  const sums = new Float64Array(channels);
  rows.forEach((value, i) => sums[i % channels]! += value);
  if (!sums.every(Number.isFinite)) {
    throw new RangeError(
      "Cannot find principal components of values that are not finite; are the network's weights whole?",
    );
  }
  return sums.map((value) => value / (rows.length / channels));
}

/** `[C, C]`, times the number of rows: shares and directions are the same. */
function covarianceOf(rows: Float32Array, mean: Float64Array): Matrix {
  const { length: channels } = mean;
  const sums = new Float64Array(channels * channels);
  const row = new Float64Array(channels);
  for (let from = 0; from < rows.length; from += channels) {
    for (let c = 0; c < channels; c++) row[c] = rows[from + c]! - mean[c]!;
    for (let a = 0; a < channels; a++) {
      for (let b = 0; b <= a; b++) sums[a * channels + b]! += row[a]! * row[b]!;
    }
  }
  for (let a = 0; a < channels; a++) {
    for (let b = 0; b < a; b++) sums[b * channels + a] = sums[a * channels + b]!;
  }
  return Matrix.from1DArray(channels, channels, sums);
}

function signed(direction: readonly number[]): Float64Array {
  const largest = direction.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0);
  const sign = largest < 0 ? -1 : 1;
  return Float64Array.from(direction, (value) => sign * value);
}

/**
 * The rows in the coordinates of principal components: each row less the mean, times each direction.
 *
 * @param rows `[P, C]`, the rows that the components were found in, or others with as many channels.
 * @returns For each component, `[P]`.
 */
export function projections(
  rows: Float32Array,
  { mean, directions }: PrincipalComponents,
): Float64Array[] {
  const { length: channels } = mean;
  return directions.map((direction) => {
    const out = new Float64Array(rows.length / channels);
    rows.forEach((value, i) => {
      const channel = i % channels;
      out[Math.floor(i / channels)]! += (value - mean[channel]!) * direction[channel]!;
    });
    return out;
  });
}
