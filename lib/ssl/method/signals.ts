/** Signals for the log that several methods share. */
import * as tf from "lib/tf.ts";
import { type Reading, readsAtOnce, scalarReading } from "lib/train/reading.ts";

/**
 * How different the directions of vectors are. The rows are scaled to unit length; the result is
 * the standard deviation over the rows, averaged over the columns, times √D. It is near 1 if the
 * directions fill the sphere, and 0 if all are equal.
 *
 * On a CPU it is computed in JavaScript: for so few numbers, tensor operations would take longer
 * than the loss.
 *
 * @param vectors `[n, D]`
 */
export function directionSpread(vectors: tf.Tensor2D): Reading {
  if (!readsAtOnce()) return scalarReading(spreadOnDevice(vectors));
  const [rows, D] = vectors.shape;
  return { tensors: [vectors], value: ([values]) => spreadOf(values!, rows, D) };
}

function spreadOf(values: ArrayLike<number>, rows: number, D: number): number {
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

function spreadOnDevice(vectors: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const lengths = vectors.square().sum(1, true).sqrt().maximum(1e-12); // [n, 1]
    const unit = vectors.div(lengths);
    const variance = unit.sub(unit.mean(0, true)).square().mean(0); // [D]
    return variance.sqrt().mean().mul(Math.sqrt(vectors.shape[1])) as tf.Scalar;
  });
}

/** The L2 norm of a vector. */
export function lengthOf(vector: tf.Tensor): Reading {
  if (!readsAtOnce()) return scalarReading(tf.tidy(() => vector.square().sum().sqrt()));
  const length = (values: ArrayLike<number>) =>
    Math.sqrt((values as Float32Array).reduce((sum, x) => sum + x * x, 0));
  return { tensors: [vector], value: ([values]) => length(values!) };
}

/** The mean of a vector. */
export function meanOf(vector: tf.Tensor): Reading {
  const sum = (values: ArrayLike<number>) =>
    (values as Float32Array).reduce((sum, x) => sum + x, 0);
  return { tensors: [vector], value: ([values]) => sum(values!) / vector.size };
}
