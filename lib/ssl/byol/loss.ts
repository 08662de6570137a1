/** BYOL's loss (Grill et al. 2020, eq. 2). */
import * as tf from "lib/tf.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";

/**
 * Squared distance of the unit vectors, 2 − 2·cos, summed over the two directions (eq. 2 and the
 * line after it).
 *
 * @param predictions What the online network predicts from each of the two views, `[B, P]`
 * @param targets What each prediction should be: the target network's projection of the other view,
 *   `[B, P]`, a constant
 * @returns Scalar, the mean over the images: 0 to 8.
 */
export function byolLoss(
  predictions: readonly tf.Tensor2D[],
  targets: readonly tf.Tensor2D[],
): tf.Scalar {
  return tf.tidy(() => {
    const distances = predictions.map((prediction, i) => {
      const gaps = l2Normalize(prediction).sub(l2Normalize(targets[i]!)); // [B, P]
      return gaps.square().sum(-1).mean();
    });
    return tf.addN(distances) as tf.Scalar;
  });
}
