/** The engine's own operations, those that this project uses, with gradients where it takes them. */
import * as tf from "lib/tf.ts";
import { conv2d } from "lib/nn/conv.ts";
import { maxPool } from "lib/nn/pool.ts";
import { relu } from "lib/nn/relu.ts";
import {
  type CaseTensors,
  type CheckCase,
  gradientCase,
  randomTensor as random,
  type Sizes,
  type TensorFunction,
} from "./check_case.ts";

const part = "operations";

/** A function, and the shapes of its arguments. */
type Row = readonly [f: TensorFunction, ...shapes: (readonly number[])[]];

/** The cases of all operations. */
export function operationCases(sizes: Sizes): CheckCase[] {
  const n = sizes === "small" ? 33 : 1041;
  const rows = { ...products(n), ...maps(sizes), ...reductions(n), ...elements(n), ...layouts(n) };
  const withGradients = Object.entries(rows).map(([name, [f, ...shapes]]) =>
    gradientCase({ part, name }, f, () => shapes.map((shape, i) => random(shape, i + 1)))
  );
  return [...withGradients, ...withoutGradients(n)];
}

function products(n: number): Record<string, Row> {
  return {
    "matMul": [(a, b) => tf.matMul(a!, b!), [n, 70], [70, n + 2]],
    "matMul, transposed": [(a, b) => tf.matMul(a!, b!, true, true), [70, n], [n + 2, 70]],
    "matMul, long rows": [(a, b) => tf.matMul(a!, b!, false, true), [12, 3072], [16, 3072]],
    "matMul, in batches": [(a, b) => tf.matMul(a!, b!, false, true), [3, 4, 49, 32], [
      3,
      4,
      49,
      32,
    ]],
  };
}

function maps(sizes: Sizes): Record<string, Row> {
  const [B, side, C] = sizes === "small" ? [2, 9, 5] : [8, 56, 64];
  const conv = (stride: number): TensorFunction => (x, weight) =>
    conv2d(x as tf.Tensor4D, { weight } as unknown as Parameters<typeof conv2d>[1], { stride });
  return {
    "conv2d, 1 × 1": [conv(1), [B, side, side, C], [1, 1, C, 7]],
    "conv2d, 3 × 3": [conv(1), [B, side, side, C], [3, 3, C, 7]],
    "conv2d, 7 × 7, stride 2": [conv(2), [B, side, side, 3], [7, 7, 3, C]],
    "maxPool": [
      (x) => maxPool(x as tf.Tensor4D, { size: 3, stride: 2, padding: 1 }),
      [B, side, side, C],
    ],
    "avgPool": [
      (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, "valid"),
      [B, side - side % 2, side - side % 2, C],
    ],
    "resizeBilinear": [
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [13, 11], false, true),
      [B, side, side, C],
    ],
    "resizeNearestNeighbor": [
      (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * side, 2 * side]),
      [B, side, side, C],
    ],
  };
}

function reductions(n: number): Record<string, Row> {
  return {
    "sum": [(x) => x!.sum(1), [7, n, 3]],
    "mean of all": [(x) => x!.mean(), [7, n, 3]],
    "mean of two axes": [(x) => x!.mean([1, 2]), [4, 7, 7, n]],
    "max": [(x) => x!.max(-1), [7, n]],
    "softmax": [(x) => tf.softmax(x!), [7, n]],
    "logSoftmax": [(x) => tf.logSoftmax(x!.mul(5)), [7, n]],
    "variance": [(x) => tf.moments(x!, [0]).variance, [n, 7]],
    "norm": [(x) => x!.norm(2, 1), [7, n]],
    "addN of twenty": [
      (...all) => tf.addN(all),
      ...Array.from({ length: 20 }, () => [n, 3]),
    ],
  };
}

function elements(n: number): Record<string, Row> {
  const shape = [7, n];
  return {
    "add, broadcast": [(a, b) => tf.add(a!, b!), shape, [n]],
    "mul, broadcast": [(a, b) => tf.mul(a!, b!), shape, [7, 1]],
    "div": [(a, b) => tf.div(a!, b!.square().add(1)), shape, shape],
    "sub and squaredDifference": [(a, b) => tf.squaredDifference(a!.sub(b!), b!), shape, shape],
    "exp, log, sqrt": [(x) => x!.exp().add(1).log().add(tf.sqrt(x!.square().add(1))), shape],
    "rsqrt, abs, neg": [(x) => tf.rsqrt(x!.abs().add(0.5)).neg(), shape],
    "sigmoid, tanh, softplus": [(x) => tf.sigmoid(x!).add(tf.tanh(x!)).add(tf.softplus(x!)), shape],
    "relu": [relu, shape],
    "erf": [(x) => tf.erf(x!), shape],
    "pow": [(x) => tf.pow(x!.square().add(0.1), 1.5), shape],
    "minimum, maximum": [(a, b) => tf.minimum(a!, b!).add(tf.maximum(a!, 0.25)), shape, shape],
    "clipByValue": [(x) => tf.clipByValue(x!, -0.5, 0.75), shape],
    "where": [(a, b) => tf.where(random([7, n], 9).greater(0), a!, b!), shape, shape],
  };
}

function layouts(n: number): Record<string, Row> {
  return {
    "transpose": [(x) => x!.transpose([0, 2, 1, 3]), [3, 5, 7, n]],
    "reshape": [(x) => x!.reshape([-1, 5]), [3, 5, n]],
    "concat": [(a, b) => tf.concat([a!, b!], 1), [7, n], [7, 3]],
    "slice": [(x) => tf.slice(x!, [1, 2], [5, n - 3]), [7, n]],
    "split": [(x) => tf.split(x!, 3, 1)[1]!, [7, 3 * n]],
    "stack and unstack": [(a, b) => tf.unstack(tf.stack([a!, b!]), 1)[2]!, [7, n], [7, n]],
    "pad": [(x) => tf.pad(x!, [[0, 0], [2, 1], [1, 2], [0, 0]]), [2, 7, 5, n]],
    "tile": [(x) => tf.tile(x!, [3, 2]), [7, n]],
    "gather": [(x) => tf.gather(x!, tf.tensor1d([6, 0, 3, 3, 1], "int32")), [7, n]],
  };
}

/** Operations of which no gradient is taken. */
function withoutGradients(n: number): CheckCase[] {
  const one = (name: string, compute: (x: tf.Tensor) => CaseTensors): CheckCase => ({
    part,
    name,
    tolerance: 1e-4,
    compute: () => tf.tidy(() => ({ ...compute(random([7, n], 1)) })) as CaseTensors,
  });
  return [
    one("topk", (x) => ({ ...tf.topk(x, 5) })),
    one("argMax, argMin", (x) => ({ most: x.argMax(-1), least: x.argMin(0) })),
    one("oneHot", (x) => ({ value: tf.oneHot(x.argMax(-1).toInt(), n) })),
    one("comparisons", (x) => ({
      less: x.less(0.1).logicalAnd(x.greater(-1)),
      equal: x.equal(x.maximum(0)).toFloat(),
    })),
    one("cast", (x) => ({ value: x.mul(9).toInt().toFloat() })),
    one("isFinite, isNaN", (x) => ({ finite: x.isFinite(), nan: x.div(0).mul(0).isNaN() })),
    one("range, eye, fill", (x) => ({
      range: tf.range(0, n),
      eye: tf.eye(7),
      fill: tf.fill([7, n], 0.5).add(x),
    })),
    one("cumsum", (x) => ({ value: tf.cumsum(x, 1) })),
    one("reverse", (x) => ({ value: tf.reverse(x, 1) })),
  ];
}
