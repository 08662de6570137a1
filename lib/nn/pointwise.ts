/**
 * The part of a ConvNeXt block that works on each pixel by itself, or of a transformer's that works
 * on each token, as one native kernel forward and one backward. The 4C hidden activations never leave the cache: they are not kept for the backward
 * pass, which computes them again. `mixerBlock` in lib/models/convnext/convnext_stages.ts is the
 * same in single layers.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import { reportCost } from "lib/nn/cost.ts";
import { fused } from "lib/nn/fused.ts";
import type { LinearParams, Precision } from "lib/nn/linear.ts";
import type { LayerNormParams } from "lib/nn/norms.ts";

export interface PointwiseLayers {
  readonly norm: LayerNormParams; // [C]
  readonly pwconv1: LinearParams; // [C, 4C]
  readonly pwconv2: LinearParams; // [4C, C]
  /** Layer scale, `[C]`. */
  readonly gamma: tf.Tensor1D;
}

export interface PointwiseOptions {
  /** One factor per image, or a single one for all: `keepFactors` in lib/nn/drop_path.ts. */
  readonly keep: Float32Array;
  /** The LayerNorm's. */
  readonly eps: number;
  readonly precision?: Precision;
}

/** The constants of both kernels. */
export function pointwiseConstants(
  { eps, precision }: Pick<PointwiseOptions, "eps" | "precision">,
): Record<string, number> {
  return { eps, bf16: precision === "bf16" ? 1 : 0 };
}

/** The layers' weights in the order of the kernel's inputs. */
export function pointwiseWeights({ norm, pwconv1, pwconv2, gamma }: PointwiseLayers): tf.Tensor[] {
  return [
    norm.weight,
    norm.bias,
    pwconv1.weight,
    pwconv1.bias,
    pwconv2.weight,
    pwconv2.bias,
    gamma,
  ];
}

/**
 * `x + keep · gamma · pwconv2(gelu(pwconv1(LayerNorm(input))))`.
 *
 * @param x `[B, …, C]`
 * @param input The same shape.
 * @returns The same shape.
 */
export function pointwise<T extends tf.Tensor>(
  x: T,
  input: T,
  layers: PointwiseLayers,
  { keep, ...options }: PointwiseOptions,
): T {
  const constants = pointwiseConstants(options);
  reportPointwiseCost(input, layers);
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const [x, input, ...weights] = args.slice(0, -1) as tf.Tensor[];
    const factors = tf.tensor1d(keep);
    save([input!, ...weights, factors]);
    return {
      value: fused("Pointwise", [input!, x!, ...weights, factors], constants)![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
        dy.clone(),
        ...fused("PointwiseGrad", [dy, ...saved], constants)!,
      ],
    };
  });
  return tf.tidy(() => op(x, input, ...pointwiseWeights(layers)) as T);
}

/** Reports the cost of both linear layers for every pixel of `input`. */
export function reportPointwiseCost(input: tf.Tensor, { pwconv1, pwconv2 }: PointwiseLayers): void {
  const pixels = input.size / pwconv1.weight.shape[0];
  for (const { weight } of [pwconv1, pwconv2]) {
    reportCost({ kind: "linear", multiplyAdds: pixels * weight.size, weight });
  }
}
