/** Unit-length rows, as PyTorch's `F.normalize`. */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

const op = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  const [y, lengths] = fused("L2Normalize", [x]) ?? forward(x);
  (save as tf.GradSaveFunc)([y!, lengths!]);
  return {
    value: y!,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
      fused("L2NormalizeGrad", [dy, ...saved])?.[0] ?? backward(dy, saved),
  };
});

/** `x / max(‖x‖₂, 1e-12)` over the last axis. */
export function l2Normalize<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => op(x) as T);
}

/** The unit vectors and the lengths. */
function forward(x: tf.Tensor): tf.Tensor[] {
  const lengths = x.square().sum(-1, true).sqrt().maximum(1e-12);
  return [x.div(lengths), lengths];
}

function backward(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [y, lengths] = saved as [tf.Tensor, tf.Tensor];
  return dy.sub(y.mul(dy.mul(y).sum(-1, true))).div(lengths);
}
