/**
 * SwAV's loss: every view of an image predicts the assignments of its other views.
 *
 * V views of B images, of which the first two are assigned; K prototypes.
 */
import * as tf from "lib/tf.ts";
import { type Reading, scalarReading } from "lib/train/reading.ts";

/**
 * The loss of swapped predictions (Caron et al. 2020, eq. 1 and 2, and eq. 6 for several crops): the
 * cross-entropy from the assignment of each global crop to the prediction of each other crop, the
 * other global one included.
 *
 * @param scores Cosines of all views with the prototypes, `[V, B, K]`.
 * @param codes Assignments of the first two views, `[2, B, K]`, constant.
 * @param temperature Divides the scores.
 * @returns Scalar in nats: the mean over the images, the V − 1 other views, and the two assignments.
 */
export function swappedLoss(
  scores: tf.Tensor3D,
  codes: tf.Tensor3D,
  temperature: number,
): tf.Scalar {
  const [V, B] = scores.shape;
  return tf.tidy(() => {
    const logP = tf.logSoftmax(scores.div(temperature)); // [V, B, K]
    const pairs = tf.matMul(codes.reshape([2, -1]), logP.reshape([V, -1]), false, true); // [2, V]
    const otherView = tf.sub(1, tf.eye(2, V));
    return pairs.mul(otherView).sum().div(-B * 2 * (V - 1)).asScalar();
  });
}

/**
 * The mean entropy of assignments, in nats: 0 if each image has one prototype, ln K if each has all
 * of them equally.
 *
 * @param codes `[n, K]`
 */
export function codeEntropy(codes: tf.Tensor2D): Reading {
  const entropy = tf.tidy(() => codes.mul(codes.maximum(1e-30).log()).sum(-1).mean().neg());
  return scalarReading(entropy);
}
