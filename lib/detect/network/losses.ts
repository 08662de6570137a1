/** Losses of detectors, as PyTorch defines them. */
import * as tf from "lib/tf.ts";

/**
 * Smooth L1 loss, summed: `|d|` minus half of β, and a parabola where `|d|` is below β. Girshick
 * 2015, Eq. 3, has β = 1.
 *
 * @param predicted Any shape, the same as `targets`.
 * @param beta 0 gives `|d|`.
 */
export function smoothL1(predicted: tf.Tensor, targets: tf.Tensor, beta: number): tf.Scalar {
  return tf.tidy(() => {
    const distance = predicted.sub(targets).abs();
    if (beta === 0) return distance.sum<tf.Scalar>();
    const near = tf.minimum(distance, beta);
    return distance.sub(near).add(near.square().div(2 * beta)).sum<tf.Scalar>();
  });
}

/**
 * Mean binary cross-entropy of logits.
 *
 * @param logits Any shape, the same as `targets`, which are 0 to 1.
 * @returns In nats; 0 if there are no logits.
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const each = tf.softplus(logits).sub(logits.mul(targets));
    return each.sum().div<tf.Scalar>(Math.max(1, logits.size));
  });
}

/**
 * Mean cross-entropy.
 *
 * @param logits `[N, K]`
 * @param labels `[N]`, 0 to K − 1.
 * @returns In nats; 0 if there are no logits.
 */
export function crossEntropy(logits: tf.Tensor2D, labels: Int32Array): tf.Scalar {
  const [N, K] = logits.shape;
  return tf.tidy(() => {
    const oneHot = tf.oneHot(tf.tensor1d(labels, "int32"), K);
    return tf.logSoftmax(logits).mul(oneHot).sum().div<tf.Scalar>(-Math.max(1, N));
  });
}
