/**
 * Gradient clipping: tensor by tensor, as DINO's code does (utils.py `clip_gradients`), or by the
 * norm of all tensors together, as PyTorch's `clip_grad_norm_` does.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";
import type { Reading } from "./reading.ts";

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
  requirePositive(maxNorm);
  const squares = readSquaredNorms([...grads.values()]);
  const all = squares.reduce((sum, x) => sum + x, 0);
  const scales = [...grads.keys()].map((name, i) => {
    const scale = maxNorm / (Math.sqrt(together ? all : squares[i]!) + 1e-6);
    return [name, scale > 1 ? 1 : Math.fround(scale)] as const; // NaN stays NaN
  });
  return { scales: new Map(scales), norm: Math.sqrt(all) };
}

/** The same on the device, where nothing is read. The caller owns the tensors. */
export interface DeviceClipping {
  /** Squared L2 norm of each gradient, `[n]`, in the order of the gradients. */
  readonly squares: tf.Tensor1D;
  /** What clipping multiplies each gradient by, `[n]`; absent if nothing is clipped. */
  readonly scales?: tf.Tensor1D;
}

/** {@linkcode clipScales}, without reading a number. @throws {RangeError} as that does. */
export function clipOnDevice(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
  together = false,
): DeviceClipping {
  requirePositive(maxNorm);
  const squares = squaredNorms([...grads.values()]);
  if (maxNorm === Infinity) return { squares };
  const scales = tf.tidy(() => {
    const decisive = together ? tf.fill(squares.shape, 1).mul(squares.sum()) : squares;
    return tf.div(maxNorm, decisive.sqrt().add(1e-6)).minimum(1) as tf.Tensor1D;
  });
  return { squares, scales };
}

/** The L2 norm over all gradients. @param squares As {@linkcode clipOnDevice} returns them. */
export function normOf(squares: tf.Tensor1D): Reading {
  const norm = (values: ArrayLike<number>) =>
    Math.sqrt(Array.from(values).reduce((sum, x) => sum + x, 0));
  return { tensors: [squares], value: ([values]) => norm(values!) };
}

function requirePositive(maxNorm: number): void {
  if (maxNorm > 0) return;
  throw new RangeError(`Cannot clip gradients: need a positive norm, current is ${maxNorm}`);
}

function readSquaredNorms(tensors: readonly tf.Tensor[]): readonly number[] {
  if (tensors.length === 0) return [];
  const squares = squaredNorms(tensors);
  const values = [...squares.dataSync<"float32">()];
  squares.dispose();
  return values;
}

function squaredNorms(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() =>
    fused("SquaredNorms", tensors)?.[0] ?? tf.stack(tensors.map((x) => x.square().sum()))
  ) as tf.Tensor1D;
}
