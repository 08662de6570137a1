/**
 * Initial values as PyTorch draws them, from named streams. Every function returns a `tf.Variable`
 * that the caller owns.
 */
import * as tf from "lib/tf.ts";
import { isConstant, type Rng } from "lib/rng.ts";

/** A weight filled with one value. */
export function constant<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  value: number,
): tf.Variable<R> {
  return variable(() => tf.fill(shape, value, "float32"));
}

/** A buffer: saved with the weights, never moved by an optimiser. */
export function buffer<R extends tf.Rank>(shape: tf.ShapeMap[R], value: number): tf.Variable<R> {
  return variable(() => tf.fill(shape, value, "float32"), false);
}

/**
 * Gaussian of standard deviation `std`, redrawn outside ±2.
 *
 * The bounds are absolute, as in PyTorch's `trunc_normal_`, so at std 0.02 nothing is cut;
 * `tf.truncatedNormal` cuts at ±2 standard deviations, which shrinks the spread by 12 %.
 */
export function truncNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  std = 0.02,
): tf.Variable<R> {
  return filled(shape, rng, () => {
    let value = rng.normal(0, std);
    while (Math.abs(value) > 2) value = rng.normal(0, std);
    return value;
  });
}

/**
 * Gaussian of standard deviation 1/√fanIn, redrawn outside ±2 standard deviations: Haiku's default
 * for a linear layer.
 */
export function lecunNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  fanIn: number,
): tf.Variable<R> {
  const std = 1 / Math.sqrt(fanIn);
  return filled(shape, rng, () => {
    let value = rng.normal();
    while (Math.abs(value) > 2) value = rng.normal();
    return std * value;
  });
}

/**
 * Uniform in ±1/√fanIn: PyTorch's default for linear layers and convolutions (`kaiming_uniform_`
 * with a = √5).
 */
export function kaimingUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  fanIn: number,
): tf.Variable<R> {
  const bound = 1 / Math.sqrt(fanIn);
  return filled(shape, rng, () => rng.uniform(-bound, bound));
}

/** Uniform in ±√(6 / (fanIn + fanOut)): PyTorch's `xavier_uniform_`. */
export function xavierUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  { fanIn, fanOut }: { readonly fanIn: number; readonly fanOut: number },
): tf.Variable<R> {
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return filled(shape, rng, () => rng.uniform(-bound, bound));
}

/**
 * Gaussian of standard deviation √(2 / fanOut), as in torchvision's ResNet convolutions
 * (`kaiming_normal_`, mode `fan_out`, for ReLU).
 *
 * @param fanOut Outputs that one input reaches: kernel height × width × output channels.
 */
export function kaimingNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  fanOut: number,
): tf.Variable<R> {
  const std = Math.sqrt(2 / fanOut);
  return filled(shape, rng, () => rng.normal(0, std));
}

function filled<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  rng: Rng,
  draw: () => number,
): tf.Variable<R> {
  if (isConstant(rng)) return constant(shape, draw());
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = draw(); // four times as fast as Float32Array.from
  return variable(() => tf.tensor(values, shape, "float32"));
}

// Without a name: tfjs's registry of names is global, so a second run of a notebook cell would
// throw.
function variable<R extends tf.Rank>(
  initial: () => tf.Tensor<R>,
  trainable = true,
): tf.Variable<R> {
  return tf.tidy(() => tf.variable(initial(), trainable));
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
