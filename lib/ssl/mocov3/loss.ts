/** MoCo v3's contrastive loss (Chen et al. 2021, eq. 1), and how often queries find their keys. */
import * as tf from "lib/tf.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import type { Reading } from "lib/train/reading.ts";

/**
 * InfoNCE times 2T: each query is to find the key of its own image among the keys of the batch, by
 * the cosine.
 *
 * @param queries `[B, P]`
 * @param keys Of the other view, `[B, P]`, a constant
 * @param temperature T, which divides the cosines.
 * @returns Scalar, 2T times nats, the mean over the B images.
 */
export function contrastiveLoss(
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  return tf.tidy(() => {
    const [q, k] = [l2Normalize(queries), l2Normalize(keys)];
    const logits = tf.matMul(q, k, false, true).div(temperature); // [B, B]
    const ofOwn = q.mul(k).sum(-1).div(temperature); // [B]
    return logits.logSumExp(-1).sub(ofOwn).mean().mul(2 * temperature) as tf.Scalar;
  });
}

/** The sum of both losses where queries tell no key from another, for B images. */
export function chanceLoss(images: number, temperature: number): number {
  return 4 * temperature * Math.log(images);
}

/**
 * The share of queries that are nearer to their own key than to any other of the same view.
 *
 * @param queries `[2B, P]`: those of one view, then those of the other.
 * @param keys `[2B, P]`, in the order of the queries that are to find them.
 */
export function contrastAccuracy(queries: tf.Tensor2D, keys: tf.Tensor2D): Reading {
  const [rows] = queries.shape; // 2B
  const right = tf.tidy(() => {
    const [q, k] = [queries, keys].map((x) => tf.split(l2Normalize(x), 2)); // [B, P] each
    const own = tf.range(0, rows / 2, 1, "int32");
    const found = q!.map((ofView, view) =>
      tf.matMul(ofView, k![view]!, false, true).argMax(-1).toInt().equal(own).sum()
    );
    return found[0]!.add(found[1]!);
  });
  return { tensors: [right], value: ([count]) => count![0]! / rows };
}
