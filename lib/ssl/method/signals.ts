/** Signals for the log that several methods share. */
import type * as tf from "lib/tf.ts";

/**
 * How different the directions of vectors are. The rows are scaled to unit length; the result is
 * the standard deviation over the rows, averaged over the columns, times √D. It is near 1 if the
 * directions fill the sphere, and 0 if all are equal.
 *
 * It is computed in JavaScript: for so few numbers, tensor operations would take longer than the
 * loss.
 *
 * @param vectors `[n, D]`
 */
export function directionSpread(vectors: tf.Tensor2D): number {
  const [rows, D] = vectors.shape;
  const values = vectors.dataSync<"float32">();
  const [sums, squares] = [new Float64Array(D), new Float64Array(D)];
  for (let row = 0; row < values.length; row += D) {
    let square = 0;
    for (let d = 0; d < D; d++) square += values[row + d]! ** 2;
    const scale = 1 / Math.max(Math.sqrt(square), 1e-12);
    for (let d = 0; d < D; d++) {
      const unit = values[row + d]! * scale;
      sums[d]! += unit;
      squares[d]! += unit * unit;
    }
  }
  const spreads = sums.map((sum, d) =>
    Math.sqrt(Math.max(0, squares[d]! / rows - (sum / rows) ** 2))
  );
  return Math.sqrt(D) * spreads.reduce((sum, spread) => sum + spread, 0) / D;
}

/** The only number of a scalar. */
export function valueOf(scalar: tf.Tensor): number {
  return scalar.dataSync()[0]!;
}

/** The L2 norm of a vector. */
export function lengthOf(vector: tf.Tensor): number {
  return Math.sqrt(vector.dataSync<"float32">().reduce((sum, x) => sum + x * x, 0));
}
