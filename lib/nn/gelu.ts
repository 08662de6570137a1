/** The exact GELU (Hendrycks & Gimpel 2016), x·Φ(x) by the error function: PyTorch's default. */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

/** `x · Φ(x)`, elementwise. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => op(x) as T);
}

/**
 * `gelu(x + bias)`: adds the bias of the linear layer before it, which saves a pass over memory
 * forward and backward.
 *
 * @param x `[…, C]`
 * @param bias `[C]`
 * @returns `[…, C]`
 */
export function biasGelu<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  return tf.tidy(() => biasOp(x, bias) as T);
}

const op = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  (save as tf.GradSaveFunc)([x]);
  return {
    value: fused("Gelu", [x])?.[0] ?? x.mul(cdf(x)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x] = saved as [tf.Tensor];
      return fused("GeluGrad", [dy, x])?.[0] ?? dy.mul(slope(x));
    },
  };
});

const biasOp = tf.customGrad((...args) => {
  const [x, bias, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  save([x, bias]);
  return {
    value: fused("BiasGelu", [x, bias])?.[0] ?? gelu(x.add(bias)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, bias] = saved as [tf.Tensor, tf.Tensor];
      return fused("BiasGeluGrad", [dy, x, bias]) ?? plainBiasGrad(dy, x.add(bias));
    },
  };
});

function plainBiasGrad(dy: tf.Tensor, z: tf.Tensor): tf.Tensor[] {
  const dz = dy.mul(slope(z));
  return [dz, dz.reshape([-1, dz.shape.at(-1)!]).sum(0)];
}

/** Φ(x) + x · φ(x) */
function slope(x: tf.Tensor): tf.Tensor {
  const pdf = x.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
  return cdf(x).add(x.mul(pdf));
}

/** Φ(x) */
function cdf(x: tf.Tensor): tf.Tensor {
  return x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
}
