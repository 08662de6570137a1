/** SimCLR's loss, NT-Xent (Chen et al. 2020a, eq. 1), and how often it finds the other view. */
import * as tf from "lib/tf.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import type { Reading } from "lib/train/reading.ts";

/** Subtracted from the similarity of a view to itself, as in the official code. */
const large = 1e9;

/**
 * The normalised temperature-scaled cross-entropy. Each view is to find the other view of its image
 * among all other views of the batch, by the cosine of the projections.
 *
 * As in the official code, the losses of the two views of an image are added. This is twice the
 * mean over all views, which the paper's algorithm 1 and other implementations compute.
 *
 * @param projections `[2B, P]`: all images in the first view, then all in the second.
 * @param temperature Divides the cosines.
 * @returns Scalar in nats, the mean over the B images.
 */
export function ntXentLoss(projections: tf.Tensor2D, temperature: number): tf.Scalar {
  return tf.tidy(() => {
    const z = l2Normalize(projections);
    const [count] = z.shape; // 2B
    const logits = tf.matMul(z, z, false, true).div(temperature); // [2B, 2B]
    const ofOthers = logits.sub(tf.eye(count).mul(large));
    const [first, second] = tf.split(z, 2); // [B, P] each
    const ofPairs = first!.mul(second!).sum().div(temperature); // each pair counts for two views
    return ofOthers.logSumExp(-1).sum().sub(ofPairs.mul(2)).div(count / 2) as tf.Scalar;
  });
}

/** The loss of a network that sees no difference between views, for B images, in nats. */
export function chanceLoss(images: number): number {
  return 2 * Math.log(2 * images - 1);
}

/**
 * The share of images whose first view is nearer to their own second view than to any other second
 * view; the official code logs it as `contrast_acc`.
 *
 * @param projections `[2B, P]`
 */
export function contrastAccuracy(projections: tf.Tensor2D): Reading {
  const images = projections.shape[0] / 2;
  const right = tf.tidy(() => {
    const [first, second] = tf.split(l2Normalize(projections), 2);
    const nearest = tf.matMul(first!, second!, false, true).argMax(-1).toInt(); // [B]
    return nearest.equal(tf.range(0, images, 1, "int32")).sum();
  });
  return { tensors: [right], value: ([count]) => count![0]! / images };
}
