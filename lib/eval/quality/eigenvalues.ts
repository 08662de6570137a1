/** Spectra of symmetric and of rectangular matrices, in double precision. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * The eigenvalues of a symmetric matrix that has no negative ones, such as a covariance.
 *
 * What is below the rounding error of the largest, `side · 2⁻⁵² · λ₁` (as NumPy's `matrix_rank`),
 * is set to 0. 768 a side take some 3 seconds, 192 a side 0.04.
 *
 * @param matrix `[side, side]`, finite.
 * @returns `[side]`, the largest first.
 */
export function eigenvalues(matrix: Float64Array, side: number): Float64Array {
  const square = Matrix.from1DArray(side, side, matrix);
  const { realEigenvalues } = new EigenvalueDecomposition(square, { assumeSymmetric: true });
  const values = Float64Array.from(realEigenvalues).sort().reverse();
  const rounding = side * Number.EPSILON * values[0]!;
  return values.map((value) => value > rounding ? value : 0);
}

/**
 * AᵀA of a matrix A that is made row by row. Yields the fraction done after every four rows, so
 * that the caller can pause.
 *
 * @param write Writes row `i` of A, `[width]`, into `out` from `offset` on.
 * @returns `[width, width]`
 */
export function* gram(
  rows: number,
  width: number,
  write: (i: number, out: Float64Array, offset: number) => void,
): Generator<number, Float64Array<ArrayBuffer>> {
  const product = new Float64Array(width * width);
  const four = new Float64Array(4 * width); // four rows at once: a third of the time of one by one
  const [second, third, fourth] = [width, 2 * width, 3 * width];
  for (let from = 0; from < rows; from += 4) {
    four.fill(0);
    for (let i = from; i < Math.min(from + 4, rows); i++) write(i, four, (i - from) * width);
    for (let a = 0; a < width; a++) {
      const [w, x] = [four[a]!, four[second + a]!];
      const [y, z] = [four[third + a]!, four[fourth + a]!];
      for (let b = a, at = a * width + a; b < width; b++, at++) { // the upper triangle
        product[at]! += w * four[b]! + x * four[second + b]! + y * four[third + b]! +
          z * four[fourth + b]!;
      }
    }
    yield Math.min(1, (from + 4) / rows);
  }
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < a; b++) product[a * width + b] = product[b * width + a]!;
  }
  return product;
}

/**
 * The squares of a matrix's singular values: the eigenvalues of AᵀA or AAᵀ, whichever is smaller.
 * Yields like {@linkcode gram}.
 *
 * @param matrix `[rows, width]`, row-major.
 * @returns `[min(rows, width)]`, the largest first.
 */
export function* squaredSingularValues(
  matrix: Float64Array,
  rows: number,
  width: number,
): Generator<number, Float64Array> {
  if (rows >= width) {
    const write = (i: number, out: Float64Array, offset: number) =>
      out.set(matrix.subarray(i * width, (i + 1) * width), offset);
    return eigenvalues(yield* gram(rows, width, write), width);
  }
  const column = (i: number, out: Float64Array, offset: number) => {
    for (let row = 0; row < rows; row++) out[offset + row] = matrix[row * width + i]!;
  };
  return eigenvalues(yield* gram(width, rows, column), rows);
}
