/** Gradient clipping, tensor by tensor, as the reference does (dino, utils.py `clip_gradients`). */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

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
  if (grads.size === 0) return { clipped: new Map(), norm: 0 };
  const tensors = [...grads.values()];
  const results = tf.tidy(() =>
    fused("ClipEach", [...tensors, tf.scalar(maxNorm)]) ?? plain(tensors, maxNorm)
  );
  const squares = results.pop()!; // [N], of each tensor's norm
  const norm = Math.sqrt(squares.dataSync<"float32">().reduce((sum, square) => sum + square, 0));
  squares.dispose();
  return { clipped: new Map([...grads.keys()].map((name, i) => [name, results[i]!])), norm };
}

/** The clipped tensors, then their squared norms before clipping. */
function plain(grads: readonly tf.Tensor[], maxNorm: number): tf.Tensor[] {
  const squares = grads.map((grad) => grad.square().sum());
  const clipped = grads.map((grad, i) => {
    return grad.mul(tf.div(maxNorm, squares[i]!.sqrt().add(1e-6)).minimum(1));
  });
  return [...clipped, tf.stack(squares)];
}
