/** A fully connected layer, over the last axis. */
import * as tf from "lib/tf.ts";
import { reportCost } from "lib/nn/cost.ts";
import { fused, hasFamily, hasFused } from "lib/nn/fused.ts";
import { constant, kaimingUniform, truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import type { Rng } from "lib/rng.ts";

/**
 * The precision of the factors of matrix products, on a device that can multiply it; weights, sums
 * and statistics stay in fp32.
 */
export type Precision = "bf16";

/** PyTorch's `nn.Linear`; the weight is transposed, `[in, out]`. */
export interface LinearParams {
  readonly weight: tf.Variable<tf.Rank.R2>; // [in, out]
  readonly bias: tf.Variable<tf.Rank.R1>; // [out]
}

/**
 * Initial weights from `trunc_normal_(std = 0.02)`, bias 0, as in ConvNeXt, ViT and the DINO head.
 */
export function createLinear(inDim: number, outDim: number, rng: Rng): LinearParams {
  return {
    weight: laidOut("linear", truncNormal<tf.Rank.R2>([inDim, outDim], rng.fork("weight"))),
    bias: constant<tf.Rank.R1>([outDim], 0),
  };
}

/**
 * Initial weights and bias uniform in ±1/√in, PyTorch's default, as in torchvision's ResNet
 * classifier.
 */
export function createUniformLinear(inDim: number, outDim: number, rng: Rng): LinearParams {
  const weight = kaimingUniform<tf.Rank.R2>([inDim, outDim], rng.fork("weight"), inDim);
  return {
    weight: laidOut("linear", weight),
    bias: kaimingUniform<tf.Rank.R1>([outDim], rng.fork("bias"), inDim),
  };
}

/**
 * `x · weight + bias`.
 *
 * @param x `[…, in]`
 * @param layer Without a bias this is the product alone, for callers that add the bias in a pass of
 *   their own.
 * @param precision Of the product, where the engine has a kernel for it.
 * @returns `[…, out]`
 * @throws {TypeError} If the last axis of `x` differs from the layer's.
 */
export function linear<T extends tf.Tensor>(
  x: T,
  { weight, bias }: Pick<LinearParams, "weight"> & Partial<LinearParams>,
  precision?: Precision,
): T {
  const [inDim, outDim] = weight.shape;
  if (x.shape.at(-1) !== inDim) {
    throw new TypeError(
      `Cannot apply a linear layer of ${inDim} inputs to a tensor of shape [${x.shape}]`,
    );
  }
  reportCost({ kind: "linear", multiplyAdds: x.size * outDim, weight });
  if (hasMixedProduct(precision)) return inLowPrecision(x, weight, bias) as T;
  return matrixProduct(x, weight, bias, precision) as T;
}

function inLowPrecision(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor): tf.Tensor {
  const [inDim, outDim] = weight.shape;
  return tf.tidy(() => {
    const xw = mixedProduct(x.reshape<tf.Tensor2D>([-1, inDim]), weight); // [N, out]
    return (bias ? xw.add(bias) : xw).reshape([...x.shape.slice(0, -1), outDim]);
  });
}

/**
 * `x · weight + bias` for a weight of `in · out` numbers whose shape ends with `out`. Reports no
 * cost.
 *
 * @param x `[…, in]`
 * @param precision Of the native product; others are in fp32.
 * @returns `[…, out]`
 */
export function matrixProduct(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias?: tf.Tensor,
  precision?: Precision,
): tf.Tensor {
  if (hasFamily("linear")) {
    const product = fusedProduct[precision ?? "fp32"];
    return tf.tidy(() => bias ? product(x, weight, bias) : product(x, weight));
  }
  const [inDim, outDim] = [x.shape.at(-1)!, weight.shape.at(-1)!];
  return tf.tidy(() => {
    const xw = tf.matMul(
      x.reshape<tf.Tensor2D>([-1, inDim]),
      weight.reshape<tf.Tensor2D>([inDim, outDim]),
    ); // [N, out]
    return (bias ? xw.add(bias) : xw).reshape([...x.shape.slice(0, -1), outDim]);
  });
}

/** The native layer with its gradient, a function of `x`, weight and, if there is one, bias. */
const fusedProduct = { fp32: nativeLayer(0), bf16: nativeLayer(1) } as const;

function nativeLayer(bf16: 0 | 1): (...inputs: tf.Tensor[]) => tf.Tensor {
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[];
    save(inputs);
    return {
      value: fused("Linear", inputs, { bf16 })![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
        ...fused("LinearGradInput", [dy, ...saved.slice(0, 2)], { bf16 })!,
        ...fused("LinearGradWeight", [dy, ...saved], { bf16 })!,
      ],
    };
  });
}

/**
 * Whether products of this precision are done by a kernel of their own, as on a GPU. On a CPU the
 * native layer takes a precision, and fused blocks have their own way: `pointwise` of
 * lib/nn/pointwise.ts.
 */
function hasMixedProduct(precision: Precision | undefined): boolean {
  return precision === "bf16" && hasFused("MixedProduct");
}

function product(a: tf.Tensor, b: tf.Tensor, transposeA = 0, transposeB = 0): tf.Tensor {
  return fused("MixedProduct", [a, b], { transposeA, transposeB })![0]!;
}

/**
 * `x · weight` with both rounded to bf16; so are the factors of its gradients.
 *
 * @param x `[N, in]`
 * @param weight `[in, out]`
 * @returns `[N, out]`, in fp32.
 */
function mixedProduct(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((...args) => {
    const [x, weight, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([x, weight]);
    return {
      value: product(x, weight),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
        product(dy, saved[1]!, 0, 1),
        product(saved[0]!, dy, 1, 0),
      ],
    };
  });
  return op(x, weight) as tf.Tensor2D;
}
