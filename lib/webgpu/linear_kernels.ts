/** Linear layers: tfjs's own matrix products, with the bias added and summed up on the way. */
import * as tf from "lib/tf.ts";
import { rowsOf, sizeOf, split } from "./program.ts";
import { runColumnSums, sumsOfColumns } from "./sums.ts";

type Infos = readonly tf.TensorInfo[];

/** A matrix product by tfjs, of tensors taken as matrices. */
function product(
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean; bias?: tf.TensorInfo },
): tf.TensorInfo {
  const { transposeA = false, transposeB = false, bias } = options;
  const kernel = tf.getKernel("_FusedMatMul", "webgpu")!;
  return kernel.kernelFunc({
    inputs: bias ? { a, b, bias } : { a, b },
    attrs: { transposeA, transposeB, activation: "linear" },
    backend: tf.backend(),
  }) as tf.TensorInfo;
}

/** The same numbers as a matrix of so many columns. */
function matrix(info: tf.TensorInfo, columns: number): tf.TensorInfo {
  return { ...info, shape: [sizeOf(info) / columns, columns] };
}

/**
 * @param inputs x `[…, in]`, a weight of `in · out` numbers whose shape ends with `out`, and perhaps
 *   a bias `[out]`
 * @returns `[…, out]`
 */
export function linear([x, weight, bias]: Infos): tf.TensorInfo[] {
  const [ins, outs] = [x!.shape.at(-1)!, weight!.shape.at(-1)!];
  const y = product(matrix(x!, ins), matrix(weight!, outs), bias ? { bias } : {});
  return [{ ...y, shape: [...x!.shape.slice(0, -1), outs] }];
}

/** @param inputs dy, x for its shape, weight */
export function linearGradInput([dy, x, weight]: Infos): tf.TensorInfo[] {
  const outs = weight!.shape.at(-1)!;
  const dx = product(matrix(dy!, outs), matrix(weight!, outs), { transposeB: true });
  return [{ ...dx, shape: x!.shape }];
}

/** @param inputs dy, x, weight for its shape, and perhaps bias, which asks for its gradient */
export function linearGradWeight([dy, x, weight, bias]: Infos): tf.TensorInfo[] {
  const [ins, outs] = [x!.shape.at(-1)!, weight!.shape.at(-1)!];
  const dweight = product(matrix(x!, ins), matrix(dy!, outs), { transposeA: true });
  const grads = [{ ...dweight, shape: weight!.shape }];
  if (!bias) return grads;
  return [...grads, ...split(runColumnSums(sumsOfColumns, [dy!], rowsOf(dy!)), [[outs]])];
}
