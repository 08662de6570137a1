/** Gradient clipping, tensor by tensor, as the reference does (dino, utils.py `clip_gradients`). */
import * as tf from "lib/tf.ts";

export interface ClippedGradients {
  /** The same names; tensors the caller owns. */
  readonly clipped: ReadonlyMap<string, tf.Tensor>;
  /** L2 norm over all tensors together, before clipping. */
  readonly norm: number;
}

/**
 * Scales each tensor whose L2 norm exceeds `maxNorm` down to it: `g · min(1, maxNorm / (‖g‖ + 1e-6))`.
 *
 * Each tensor has its own norm. A global norm, which the field more often uses, is another method.
 *
 * @throws {RangeError} If `maxNorm` is not positive.
 */
export function clipEachByNorm(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
): ClippedGradients {
  if (!(maxNorm > 0)) {
    throw new RangeError(`Cannot clip gradients: need a positive norm, current is ${maxNorm}`);
  }
  const squares: tf.Tensor[] = [];
  const clipped = new Map<string, tf.Tensor>();
  for (const [name, grad] of grads) {
    const [square, scaled] = tf.tidy(() => {
      const square = grad.square().sum();
      const factor = tf.div(maxNorm, square.sqrt().add(1e-6)).minimum(1);
      return [square, grad.mul(factor)];
    });
    squares.push(square);
    clipped.set(name, scaled);
  }
  const norm = tf.tidy(() => tf.addN(squares).sqrt().dataSync()[0]!);
  tf.dispose(squares);
  return { clipped, norm };
}
