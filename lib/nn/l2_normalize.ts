/** Unit-length rows, as PyTorch's `F.normalize`. */
import * as tf from "lib/tf.ts";

const gradient = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  const length = x.square().sum(-1, true).sqrt().maximum(1e-12);
  const y = x.div(length);
  (save as tf.GradSaveFunc)([y, length]);
  return {
    value: y,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [y, length] = saved as [tf.Tensor, tf.Tensor];
      return dy.sub(y.mul(dy.mul(y).sum(-1, true))).div(length);
    },
  };
});

/** `x / max(‖x‖₂, 1e-12)` over the last axis. */
export function l2Normalize<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => gradient(x) as T);
}
