/** Stochastic depth (Huang et al. 2016), as timm's `DropPath`. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";

/**
 * Drops the residual branch of each image with probability `rate`, and divides the branches that
 * stay by `1 − rate`.
 *
 * @param branch `[B, …]`
 * @param rng The random stream of this block and step; without one, or at rate 0, nothing is
 *   dropped.
 * @throws {RangeError} If the rate is not in [0, 1).
 */
export function dropPath<T extends tf.Tensor>(branch: T, rate: number, rng?: Rng): T {
  const factors = keepFactors(branch.shape[0]!, rate, rng);
  if (rate === 0 || rng === undefined) return branch;
  const shape = [factors.length, ...branch.shape.slice(1).fill(1)];
  return tf.tidy(() => branch.mul(tf.tensor(factors, shape)) as T);
}

/**
 * The factors by which {@linkcode dropPath} multiplies the branch of each image: 0 or `1 / (1 −
 * rate)`; a single 1 if nothing can drop.
 *
 * @throws {RangeError} If the rate is not in [0, 1).
 */
export function keepFactors(images: number, rate: number, rng?: Rng): Float32Array {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Cannot drop paths: need a rate in [0, 1), current rate is ${rate}`);
  }
  if (rate === 0 || rng === undefined) return Float32Array.of(1);
  return Float32Array.from({ length: images }, () => rng.bernoulli(rate) ? 0 : 1 / (1 - rate));
}
