/** The two-layer perceptron of a transformer block, applied to each token. */
import * as tf from "lib/tf.ts";
import { biasGelu } from "lib/nn/gelu.ts";
import { createLinear, linear, type LinearParams, type Precision } from "lib/nn/linear.ts";
import type { Rng } from "lib/rng.ts";

export interface MlpParams {
  readonly fc1: LinearParams; // [C, 4C]
  readonly fc2: LinearParams; // [4C, C]
}

/** The initial weights; the hidden layer is four times as wide. */
export function createMlp(dim: number, rng: Rng): MlpParams {
  return {
    fc1: createLinear(dim, 4 * dim, rng.fork("fc1")),
    fc2: createLinear(4 * dim, dim, rng.fork("fc2")),
  };
}

/**
 * `fc2(gelu(fc1(x)))`.
 *
 * @param x `[…, C]`
 * @param precision Of both products.
 * @returns `[…, C]`
 */
export function mlp<T extends tf.Tensor>(
  x: T,
  { fc1, fc2 }: MlpParams,
  precision?: Precision,
): T {
  return tf.tidy(() => {
    const hidden = linear(x, { weight: fc1.weight }, precision);
    return linear(biasGelu(hidden, fc1.bias), fc2, precision);
  });
}
