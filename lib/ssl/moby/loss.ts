/** MoBY's contrastive loss (Xie et al. 2021, §3), and how often queries find their keys. */
import * as tf from "lib/tf.ts";

/**
 * InfoNCE: each query is to find the key of its own image, made from the other view, among the keys
 * of a queue.
 *
 * @param queries Of unit length, `[B, P]`
 * @param keys Each query's own key, of unit length, `[B, P]`, a constant
 * @param queue Keys of earlier batches, of unit length, `[P, K]`, a constant
 * @param temperature Divides the cosines.
 * @returns Scalar in nats, the mean over the B images.
 */
export function contrastiveLoss(
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  queue: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  return tf.tidy(() => {
    const toOwn = queries.mul(keys).sum(-1, true); // [B, 1]
    const logits = tf.concat([toOwn, tf.matMul(queries, queue)], 1).div(temperature); // [B, 1 + K]
    const ofOwn = toOwn.div(temperature).squeeze([1]); // [B]
    return logits.logSumExp(-1).sub(ofOwn).mean() as tf.Scalar;
  });
}

/** The sum of both losses where queries tell no key from another, with K keys in a queue. */
export function chanceLoss(queueLength: number): number {
  return 2 * Math.log(1 + queueLength);
}

/**
 * Whether each query is nearer to its own key than to any key of the queue, as 1 or 0.
 *
 * @param queries `[B, P]`, like the others as for {@linkcode contrastiveLoss}
 * @param keys `[B, P]`
 * @param queue `[P, K]`
 * @returns `[B]`
 */
export function foundKeys(
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  queue: tf.Tensor2D,
): tf.Tensor1D {
  return tf.tidy(() => {
    const nearest = tf.matMul(queries, queue).max(-1); // [B]
    return queries.mul(keys).sum(-1).greater(nearest).cast("float32");
  });
}
