/**
 * iGPT's loss: how well the colours of positions are predicted.
 *
 * B images, N positions, K colours.
 */
import * as tf from "lib/tf.ts";

/**
 * The cross-entropy of the colours, the mean over the positions that count and then over the images.
 *
 * @param logits `[B, N, K]`
 * @param codes Numbers of the colours, `[B, N]`, int32.
 * @param counted 1 for positions that count, `[B, N]`. By default, all do. An image without any
 *   counts as 0.
 * @returns Scalar in nats.
 */
export function colourLoss(
  logits: tf.Tensor3D,
  codes: tf.Tensor2D,
  counted?: tf.Tensor2D,
): tf.Scalar {
  return tf.tidy(() => {
    const [, , K] = logits.shape;
    const right = logits.mul(tf.oneHot(codes, K)).sum(-1);
    const losses = logits.logSumExp(-1).sub(right); // [B, N]
    if (counted === undefined) return losses.mean() as tf.Scalar;
    const perImage = losses.mul(counted).sum(-1).div(counted.sum(-1).maximum(1)); // [B]
    return perImage.mean() as tf.Scalar;
  });
}
