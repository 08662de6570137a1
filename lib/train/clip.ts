/** Gradient clipping, tensor by tensor, as the reference does (dino, utils.py `clip_gradients`). */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

export interface GradientScales {
  /** What clipping multiplies each tensor by, by its name. */
  readonly scales: ReadonlyMap<string, number>;
  /** L2 norm over all tensors together, before clipping. */
  readonly norm: number;
}

/**
 * How far each tensor whose L2 norm exceeds `maxNorm` is to be scaled down:
 * `min(1, maxNorm / (‖g‖ + 1e-6))`. The optimiser does it as it reads them.
 *
 * Each tensor has its own norm. A global norm, which the field more often uses, is another method.
 *
 * @throws {RangeError} If `maxNorm` is not positive.
 */
export function clipScales(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
): GradientScales {
  if (!(maxNorm > 0)) {
    throw new RangeError(`Cannot clip gradients: need a positive norm, current is ${maxNorm}`);
  }
  const squares = squaredNorms([...grads.values()]);
  const scales = [...grads.keys()].map((name, i) => {
    const scale = maxNorm / (Math.sqrt(squares[i]!) + 1e-6);
    return [name, scale > 1 ? 1 : Math.fround(scale)] as const; // NaN goes on
  });
  return { scales: new Map(scales), norm: Math.sqrt(squares.reduce((sum, x) => sum + x, 0)) };
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
