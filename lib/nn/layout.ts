/**
 * The order of a weight's axes in PyTorch's files. Our weights are laid out for NHWC and a
 * checkpoint holds PyTorch's order, so reading and writing transpose. Each layer's `create…`
 * function marks the weights that differ.
 */
import * as tf from "lib/tf.ts";

/**
 * - `plain`: the same in both.
 * - `linear`: `[in, out]` here, `[out, in]` there.
 * - `conv`: `[kh, kw, in, out]` here, `[out, in, kh, kw]` there.
 * - `depthwise`: `[kh, kw, C, 1]` here, `[C, 1, kh, kw]` there.
 */
export type Layout = "plain" | "linear" | "conv" | "depthwise";

const layouts = new WeakMap<tf.Variable, Layout>();

/** Marks a weight with its layout, and returns it. */
export function laidOut<V extends tf.Variable>(layout: Layout, variable: V): V {
  layouts.set(variable, layout);
  return variable;
}

/** The layout that a weight was marked with; `plain` if it was not. */
export function layoutOf(variable: tf.Variable): Layout {
  return layouts.get(variable) ?? "plain";
}

/** Our axes in PyTorch's order, and PyTorch's in ours. */
const axes = {
  linear: { toTorch: [1, 0], fromTorch: [1, 0] },
  conv: { toTorch: [3, 2, 0, 1], fromTorch: [2, 3, 1, 0] },
  depthwise: { toTorch: [2, 3, 0, 1], fromTorch: [2, 3, 0, 1] },
} as const;

/** The shape of this weight in a PyTorch file. */
export function torchShape(variable: tf.Variable): number[] {
  const layout = layoutOf(variable);
  const { shape } = variable;
  return layout === "plain" ? [...shape] : axes[layout].toTorch.map((axis) => shape[axis]!);
}

/** The values in PyTorch's order; the caller owns the result. */
export function toTorchOrder(value: tf.Tensor, layout: Layout): tf.Tensor {
  return layout === "plain" ? value.clone() : tf.transpose(value, [...axes[layout].toTorch]);
}

/** The values in our order; the caller owns the result. */
export function fromTorchOrder(value: tf.Tensor, layout: Layout): tf.Tensor {
  return layout === "plain" ? value.clone() : tf.transpose(value, [...axes[layout].fromTorch]);
}
