/**
 * DeepCluster-v2's loss: all views of an image predict its cluster.
 *
 * V views of B images, K prototypes.
 */
import * as tf from "lib/tf.ts";

/** The cluster of an image that has none: it was not in the epoch before. */
export const unassigned = -1;

/**
 * The cross-entropy from an image's cluster to the prediction of each of its views (Caron et al.
 * 2020, appendix D). Images without a cluster do not count.
 *
 * @param scores Cosines of all views with the prototypes, `[V·B, K]`, view by view.
 * @param clusters The cluster of each image, `[B]`, int32, or {@linkcode unassigned}.
 * @param temperature Divides the scores.
 * @returns Scalar in nats: the mean over the views and the images that have a cluster; 0 if none has.
 */
export function clusterLoss(
  scores: tf.Tensor2D,
  clusters: tf.Tensor1D,
  temperature: number,
): tf.Scalar {
  const [B, K] = [clusters.size, scores.shape[1]];
  const V = scores.shape[0] / B;
  return tf.tidy(() => {
    const logP = tf.logSoftmax(scores.div(temperature)).reshape([V, B, K]);
    const targets = tf.oneHot(clusters, K); // [B, K], zeros for an image without a cluster
    const assigned = clusters.notEqual(unassigned).sum().maximum(1);
    return logP.mul(targets).sum().div(assigned.mul(-V)).asScalar();
  });
}
