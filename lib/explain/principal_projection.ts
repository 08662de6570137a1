/** The first principal direction of some rows, and the projection of each row on it. */

/**
 * Subtracts the mean of all rows and projects each row on the first right singular vector. The sign
 * is chosen so that the value farthest from 0 is positive.
 *
 * @param rows `[P, C]`
 * @returns `[P]`; zeros if all rows are equal.
 * @throws {RangeError} If a value is not finite.
 */
export function principalProjection(rows: Float32Array, channels: number): Float64Array {
  const centred = lessMean(rows, channels);
  const positions = centred.length / channels;
  const direction = positions <= channels
    ? unit(combination(centred, dominantVector(products(centred, channels), positions)))
    : dominantVector(products(transpose(centred, channels), positions), channels);
  const projection = new Float64Array(positions);
  centred.forEach((value, i) =>
    projection[Math.floor(i / channels)]! += value * direction[i % channels]!
  );
  const farthest = projection.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0);
  return farthest < 0 ? projection.map((value) => -value) : projection;
}

function lessMean(rows: Float32Array, channels: number): Float64Array {
  const sums = new Float64Array(channels);
  rows.forEach((value, i) => sums[i % channels]! += value);
  if (!sums.every(Number.isFinite)) {
    throw new RangeError(
      "Cannot project a layer with values that are not finite; are the network's weights whole?",
    );
  }
  const positions = rows.length / channels;
  return Float64Array.from(rows, (value, i) => value - sums[i % channels]! / positions);
}

/** Transposes `[P, C]` to `[C, P]`. */
function transpose(rows: Float64Array, channels: number): Float64Array {
  const positions = rows.length / channels;
  return rows.map((_, i) => rows[(i % positions) * channels + Math.floor(i / positions)]!);
}

/** The products of each of n rows with each: `[n, n]`. */
function products(rows: Float64Array, length: number): Float64Array {
  const n = rows.length / length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += rows[i * length + k]! * rows[j * length + k]!;
      out[i * n + j] = out[j * n + i] = sum;
    }
  }
  return out;
}

/** The sum of rows `[P, C]` times weights `[P]`: `[C]`. */
function combination(rows: Float64Array, weights: Float64Array): Float64Array {
  const channels = rows.length / weights.length;
  const sum = new Float64Array(channels);
  rows.forEach((value, i) => sum[i % channels]! += weights[Math.floor(i / channels)]! * value);
  return sum;
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? vector.map((value) => value / length) : vector;
}

const mostSquarings = 40; // eigenvalues within 1e-12 of the largest then count as equal to it

/**
 * The eigenvector of the largest eigenvalue, `[n]`, of length 1; zeros if the matrix is 0.
 *
 * The matrix is squared until only that direction is left. Each squaring doubles the number of
 * steps of a power iteration, so this is fast also for eigenvalues that are close to each other.
 *
 * @param matrix `[n, n]`, symmetric, no eigenvalue below 0.
 */
function dominantVector(matrix: Float64Array, n: number): Float64Array {
  let power = matrix;
  for (let i = 0; i < mostSquarings; i++) {
    const trace = traceOf(power, n);
    if (trace === 0) return new Float64Array(n);
    power = products(power.map((value) => value / trace), n);
    if (traceOf(power, n) > 1 - 1e-14) break; // the sum of the squared eigenvalues is 1 too: there is only one
  }
  let longest = 0;
  for (let i = 1; i < n; i++) if (power[i * (n + 1)]! > power[longest * (n + 1)]!) longest = i;
  return unit(power.slice(longest * n, (longest + 1) * n));
}

function traceOf(matrix: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += matrix[i * (n + 1)]!;
  return sum;
}
