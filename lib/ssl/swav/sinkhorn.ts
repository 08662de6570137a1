/**
 * The Sinkhorn–Knopp algorithm: assigns images to prototypes so that all prototypes get equally
 * much (Caron et al. 2020, eq. 3 and appendix A.1; `distributed_sinkhorn` of main_swav.py).
 */

import * as tf from "lib/tf.ts";

/** How soft the assignments are, and how exactly they are shared out. */
export interface SinkhornOptions {
  /** Divides the scores. */
  readonly epsilon: number;
  readonly iterations: number;
}

/**
 * Assigns n images to K prototypes. Every iteration first gives all prototypes the same sum over
 * the images, then all images the same sum over the prototypes. So each row of the result is a
 * distribution over the prototypes, while the prototypes' shares are equal only in the limit.
 *
 * It computes in double precision, and in plain arrays: the result is a constant for the loss, and
 * tensors would all be kept for the gradient.
 *
 * Differs: the largest score is subtracted from all before the exponential. This changes nothing,
 * since all values are then divided by their sum, but no exponential overflows.
 *
 * @param scores `[n, K]`, cosines.
 * @returns `[n, K]`; the sum of each row is 1.
 */
export function sinkhorn(
  scores: Float32Array,
  K: number,
  { epsilon, iterations }: SinkhornOptions,
): Float32Array {
  const n = scores.length / K;
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const weights = Float64Array.from(scores, (score) => Math.exp((score - largest) / epsilon));
  // The assignment is always `weights[i, k] · ofPrototype[k] · ofImage[i]`.
  const ofPrototype = new Float64Array(K);
  const ofImage = new Float64Array(n).fill(1);
  for (let iteration = 0; iteration < iterations; iteration++) {
    ofPrototype.fill(0);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < K; k++) ofPrototype[k]! += weights[i * K + k]! * ofImage[i]!;
    }
    for (let k = 0; k < K; k++) ofPrototype[k] = 1 / (K * ofPrototype[k]!);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += weights[i * K + k]! * ofPrototype[k]!;
      ofImage[i] = 1 / sum; // the public code also divides by n here, and multiplies by it later
    }
  }
  return Float32Array.from(weights, (weight, at) => {
    return weight * ofPrototype[at % K]! * ofImage[Math.floor(at / K)]!;
  });
}

/**
 * {@linkcode sinkhorn} in tensor operations, for a device whose numbers are not read. It computes in
 * logarithms, since exponentials of float32 are 0 at a tenth of the scores at which those of double
 * precision are. The caller owns the result.
 */
export function sinkhornOnDevice(
  scores: tf.Tensor2D,
  { epsilon, iterations }: SinkhornOptions,
): tf.Tensor2D {
  const [n, K] = scores.shape;
  return tf.tidy(() => {
    const logWeights = scores.div<tf.Tensor2D>(epsilon);
    let ofPrototype: tf.Tensor = tf.zeros([1, K]);
    let ofImage: tf.Tensor = tf.zeros([n, 1]);
    for (let iteration = 0; iteration < iterations; iteration++) {
      ofPrototype = logWeights.add(ofImage).logSumExp(0, true).add(Math.log(K)).neg();
      ofImage = logWeights.add(ofPrototype).logSumExp(1, true).neg();
    }
    return logWeights.add(ofPrototype).add(ofImage).exp() as tf.Tensor2D;
  });
}
