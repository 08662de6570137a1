/**
 * Gradient clipping: tensor by tensor, as DINO's code does (utils.py `clip_gradients`), or by the
 * norm of all tensors together, as PyTorch's `clip_grad_norm_` does.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

export interface GradientScales {
  /** What clipping multiplies each tensor by, by its name. */
  readonly scales: ReadonlyMap<string, number>;
  /** L2 norm over all tensors together, before clipping. */
  readonly norm: number;
}

/**
 * The factor by which each gradient is clipped to the L2 norm `maxNorm`:
 * `min(1, maxNorm / (‖g‖ + 1e-6))`. The optimiser multiplies by it as it reads the gradient.
 *
 * @param together Whether `‖g‖` is the norm over all tensors, which have one factor then. By
 *   default each tensor is clipped by its own norm.
 * @throws {RangeError} If `maxNorm` is not positive.
 */
export function clipScales(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
  together = false,
): GradientScales {
  if (!(maxNorm > 0)) {
    throw new RangeError(`Cannot clip gradients: need a positive norm, current is ${maxNorm}`);
  }
  const squares = squaredNorms([...grads.values()]);
  const all = squares.reduce((sum, x) => sum + x, 0);
  const scales = [...grads.keys()].map((name, i) => {
    const scale = maxNorm / (Math.sqrt(together ? all : squares[i]!) + 1e-6);
    return [name, scale > 1 ? 1 : Math.fround(scale)] as const; // NaN stays NaN
  });
  return { scales: new Map(scales), norm: Math.sqrt(all) };
}

function squaredNorms(tensors: readonly tf.Tensor[]): readonly number[] {
  if (tensors.length === 0) return [];
  const squares = tf.tidy(() =>
    fused("SquaredNorms", tensors)?.[0] ?? tf.stack(tensors.map((x) => x.square().sum()))
  );
  const values = [...squares.dataSync<"float32">()];
  squares.dispose();
  return values;
}
