/** The exact GELU (Hendrycks & Gimpel 2016), x·Φ(x) with the error function, as PyTorch's default. */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

const op = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  (save as tf.GradSaveFunc)([x]);
  return {
    value: fused("Gelu", [x])?.[0] ?? x.mul(cdf(x)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x] = saved as [tf.Tensor];
      return fused("GeluGrad", [dy, x])?.[0] ?? dy.mul(cdf(x).add(x.mul(pdf(x))));
    },
  };
});

/** `x · Φ(x)`, elementwise. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => op(x) as T);
}

/** Φ(x) */
function cdf(x: tf.Tensor): tf.Tensor {
  return x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
}

/** φ(x) */
function pdf(x: tf.Tensor): tf.Tensor {
  return x.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
}
