import * as tf from "lib/tf.ts";
import { assertClose } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import {
  batchNorm,
  createBatchNorm,
  createLayerNorm,
  createRunningStatistics,
  layerNorm,
} from "lib/nn/norms.ts";

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0.3, 2, "float32", seed);

/** Weights away from 1 and 0, which hide what is multiplied and added. */
function perturbed<P extends { weight: tf.Variable; bias: tf.Variable }>(params: P): P {
  params.weight.assign(random(params.weight.shape, 5));
  params.bias.assign(random(params.bias.shape, 6));
  return params;
}

for (const shape of [[1, 1, 1, 1], [2, 3, 3, 1], [3, 2, 5, 17], [4, 32]]) {
  Deno.test(`layerNorm() equals the written-out formula on [${shape}]`, () => {
    const x = random(shape, 1);
    const C = shape.at(-1)!;
    const params = perturbed(createLayerNorm(C));
    const [w, b] = [params.weight.dataSync(), params.bias.dataSync()];
    const values = x.dataSync();
    const expected = Float64Array.from(values, (value, i) => {
      const row = [...values.subarray(i - i % C, i - i % C + C)];
      const mean = row.reduce((s, v) => s + v, 0) / C;
      const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / C;
      return (value - mean) / Math.sqrt(variance + 1e-6) * w[i % C]! + b[i % C]!;
    });
    assertClose(layerNorm(x, params, 1e-6), expected);
  });
}

Deno.test("batchNorm() in training equals the written-out formula and moves the running statistics", () => {
  const [N, C] = [6, 3];
  const x = random([N, C], 2);
  const params = perturbed(createBatchNorm(C));
  params.running_mean.assign(random([C], 7) as tf.Tensor1D);
  const before = params.running_mean.dataSync();
  const [w, b] = [params.weight.dataSync(), params.bias.dataSync()];
  const columns = tf.unstack(x, 1).map((column) => [...column.dataSync()]);
  const means = columns.map((c) => c.reduce((s, v) => s + v, 0) / N);
  const variances = columns.map((c, j) => c.reduce((s, v) => s + (v - means[j]!) ** 2, 0) / N);
  const expected = Float64Array.from(x.dataSync(), (value, i) => {
    const j = i % C;
    return (value - means[j]!) / Math.sqrt(variances[j]! + 1e-5) * w[j]! + b[j]!;
  });
  assertClose(batchNorm(x, params, { training: true }), expected);
  assertClose(params.running_mean, means.map((mean, j) => 0.9 * before[j]! + 0.1 * mean));
  assertClose(params.running_var, variances.map((v) => 0.9 + 0.1 * v * N / (N - 1)));
});

Deno.test("batchNorm() in evaluation uses the running statistics and leaves them", () => {
  const params = perturbed(createBatchNorm(2));
  params.running_mean.assign(tf.tensor1d([1, -2]));
  params.running_var.assign(tf.tensor1d([4, 0.25]));
  const [w, b] = [params.weight.dataSync(), params.bias.dataSync()];
  const actual = batchNorm(tf.tensor2d([[3, 1]]), params, { training: false });
  assertClose(actual, [w[0]! * 2 / 2 + b[0]!, w[1]! * 3 / 0.5 + b[1]!], 1e-4);
  assertClose(params.running_var, [4, 0.25]);
});

Deno.test("batchNorm() of running statistics alone is one with scale 1 and shift 0, with the same gradient", () => {
  const x = random([6, 3], 2);
  for (const training of [true, false]) {
    const [plain, scaled] = [createRunningStatistics(3), createBatchNorm(3)];
    for (const { running_mean, running_var } of [plain, scaled]) {
      running_mean.assign(tf.tensor1d([1, -2, 0.5]));
      running_var.assign(tf.tensor1d([4, 0.25, 2]));
    }
    const both = [plain, scaled].map((params) => {
      const cubed = (x: tf.Tensor) => batchNorm(x, params, { training }).pow(3).sum();
      const { value, grad } = tf.valueAndGrad((x) => cubed(x))(x);
      return [value, grad, params.running_mean, params.running_var];
    });
    both[0]!.forEach((actual, i) => assertClose(actual, both[1]![i]!));
    assertNoLeak(() => batchNorm(x, plain, { training }).dispose());
  }
});

/** The same normalisation, left to the tape. */
function taped(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, axis: number, eps: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, axis, true);
  return x.sub(mean).div(variance.add(eps).sqrt()).mul(w).add(b);
}

for (const [name, axis, eps] of [["layerNorm", 1, 1e-6], ["batchNorm", 0, 1e-5]] as const) {
  Deno.test(`${name}() has the gradients of its formula`, () => {
    const [x, dy] = [random([7, 5], 3), random([7, 5], 4)];
    const params = perturbed(createBatchNorm(5));
    const ours = (x: tf.Tensor) =>
      axis === 1 ? layerNorm(x, params, eps) : batchNorm(x, params, { training: true });
    const loss = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) =>
      f(x).mul(dy).sum() as tf.Scalar;
    const actual = tf.grad(loss(ours))(x);
    const expected = tf.grad(loss((x) => taped(x, params.weight, params.bias, axis, eps)))(x);
    assertClose(actual, expected, 1e-4);
    const variables = [params.weight, params.bias];
    const { grads } = tf.variableGrads(() => loss(ours)(x), variables);
    const { grads: tapedGrads } = tf.variableGrads(
      () => loss((x) => taped(x, params.weight, params.bias, axis, eps))(x),
      variables,
    );
    for (const { name } of variables) assertClose(grads[name]!, tapedGrads[name]!, 1e-4);
  });
}

Deno.test("norms keep no tensor but their result", () => {
  const x = random([4, 6], 1);
  const params = createBatchNorm(6);
  assertNoLeak(() => {
    layerNorm(x, params, 1e-6).dispose();
    batchNorm(x, params, { training: true }).dispose();
  });
});
