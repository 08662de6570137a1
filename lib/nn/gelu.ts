/** The exact GELU (Hendrycks & Gimpel 2016), x·Φ(x) with the error function, as PyTorch's default. */
import * as tf from "lib/tf.ts";

const gradient = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5); // Φ(x)
  (save as tf.GradSaveFunc)([x, cdf]);
  return {
    value: x.mul(cdf),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, cdf] = saved as [tf.Tensor, tf.Tensor];
      const pdf = x.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI)); // φ(x)
      return dy.mul(cdf.add(x.mul(pdf)));
    },
  };
});

/** `x · Φ(x)`, elementwise. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => gradient(x) as T);
}
