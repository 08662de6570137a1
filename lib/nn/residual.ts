/**
 * The end of a residual block: the last layer's bias, layer scale, stochastic depth and the
 * addition.
 */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

export interface BranchEnding {
  /** The bias of the branch's last layer, `[C]`. */
  readonly bias: tf.Tensor1D;
  /** Layer scale, `[C]`. */
  readonly gamma: tf.Tensor1D;
  /** One factor per image, or a single one for all: `keepFactors` in lib/nn/drop_path.ts. */
  readonly keep: Float32Array;
}

/**
 * `x + keep · gamma · (branch + bias)`.
 *
 * @param x `[B, …, C]`
 * @param branch As many numbers as `x`, channels last: `[N, C]` will do.
 * @returns The shape of `x`.
 */
export function scaledResidual<T extends tf.Tensor>(
  x: T,
  branch: tf.Tensor,
  { bias, gamma, keep }: BranchEnding,
): T {
  const op = tf.customGrad((...args) => {
    const [x, branch, b, g, save] = args as unknown as [...tf.Tensor[], tf.GradSaveFunc] as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const factors = tf.tensor1d(keep);
    save([branch, b, g, factors]);
    return {
      value: fused("ScaledResidual", [x, branch, b, g, factors])?.[0] ??
        forward(x, branch, b, g, factors),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const grads = fused("ScaledResidualGrad", [dy, ...saved]) ?? backward(dy, saved);
        return [dy.clone(), ...grads];
      },
    };
  });
  return tf.tidy(() => op(x, branch, bias, gamma) as T);
}

function forward(
  x: tf.Tensor,
  branch: tf.Tensor,
  bias: tf.Tensor,
  gamma: tf.Tensor,
  keep: tf.Tensor,
): tf.Tensor {
  return x.add(branch.reshape(x.shape).add(bias).mul(gamma).mul(perImage(keep, x.rank)));
}

/** Gradients of branch, bias and gamma. */
function backward(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [branch, bias, gamma, keep] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const kept = dy.mul(perImage(keep, dy.rank));
  const dbranch = kept.mul(gamma);
  const dgamma = kept.mul(branch.reshape(dy.shape).add(bias));
  const overRows = (t: tf.Tensor) => t.reshape([-1, t.shape.at(-1)!]).sum(0);
  return [dbranch.reshape(branch.shape), overRows(dbranch), overRows(dgamma)];
}

function perImage(keep: tf.Tensor, rank: number): tf.Tensor {
  return keep.reshape([-1, ...Array(rank - 1).fill(1)]);
}
