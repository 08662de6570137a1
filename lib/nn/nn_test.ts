import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createConv2d, createDepthwiseConv2d, depthwiseConv2d, patchConv2d } from "lib/nn/conv.ts";
import { dropPath } from "lib/nn/drop_path.ts";
import { gelu } from "lib/nn/gelu.ts";
import { kaimingNormal, kaimingUniform, truncNormal } from "lib/nn/init.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { createLinear, createUniformLinear, linear } from "lib/nn/linear.ts";
import { copyTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { createBatchNorm } from "lib/nn/norms.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1.5, "float32", seed);
const rng = createRng(0);

Deno.test("linear() equals the written-out product over the last axis", () => {
  const layer = createLinear(3, 2, rng);
  layer.bias!.assign(tf.tensor1d([0.5, -1]));
  const x = random([2, 2, 3], 1);
  const [values, w] = [x.dataSync(), layer.weight.dataSync()];
  const expected = [0, 1, 2, 3].flatMap((row) =>
    [0, 1].map((j) =>
      [0, 1, 2].reduce((sum, i) => sum + values[3 * row + i]! * w[2 * i + j]!, j === 0 ? 0.5 : -1)
    )
  );
  const actual = linear(x, layer);
  assertEquals(actual.shape, [2, 2, 2]);
  assertClose(actual, expected);
  assertThrows(() => linear(random([2, 4], 1), layer), TypeError, "3 inputs");
});

Deno.test("gelu() equals x·Φ(x), and its gradient Φ(x) + x·φ(x)", () => {
  // Φ by Simpson's rule from −12: independent of any erf.
  const cdf = (x: number) => {
    const [steps, from] = [4000, -12];
    const h = (x - from) / steps;
    let sum = 0;
    for (let i = 0; i <= steps; i++) {
      const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
      sum += weight * Math.exp(-((from + i * h) ** 2) / 2);
    }
    return sum * h / 3 / Math.sqrt(2 * Math.PI);
  };
  const points = [-4, -1.3, -0.2, 0, 0.4, 1, 2.5, 5];
  const x = tf.tensor1d(points);
  assertClose(gelu(x), points.map((p) => p * cdf(p)));
  const slope = tf.grad((x: tf.Tensor) => gelu(x).sum() as tf.Scalar)(x);
  const density = (p: number) => Math.exp(-p * p / 2) / Math.sqrt(2 * Math.PI);
  assertClose(slope, points.map((p) => cdf(p) + p * density(p)));
});

Deno.test("l2Normalize() gives unit rows and the gradient of its formula", () => {
  const x = random([4, 3], 2);
  const dy = random([4, 3], 3);
  const plain = (x: tf.Tensor) => x.div(x.square().sum(-1, true).sqrt());
  assertClose(l2Normalize(x).norm(2, 1), [1, 1, 1, 1]);
  const grad = (f: (x: tf.Tensor) => tf.Tensor) =>
    tf.grad((x: tf.Tensor) => f(x).mul(dy).sum() as tf.Scalar)(x);
  assertClose(grad(l2Normalize), grad(plain), 1e-4);
  assertClose(l2Normalize(tf.zeros([1, 3])), [0, 0, 0]);
});

for (const [k, side] of [[2, 6], [2, 7], [4, 9]] as const) {
  Deno.test(`patchConv2d() equals a strided convolution, ${k}×${k} on ${side} pixels`, () => {
    const layer = createConv2d(k, 3, 5, rng);
    layer.bias!.assign(random([5], 4) as tf.Tensor1D);
    const x = random([2, side, side, 3], 5) as tf.Tensor4D;
    const weight = layer.weight as tf.Tensor4D;
    const expected = tf.conv2d(x, weight, k, "valid").add(layer.bias!);
    assertEquals(patchConv2d(x, layer).shape, expected.shape);
    assertClose(patchConv2d(x, layer), expected);
  });
}

Deno.test("depthwiseConv2d() equals the written-out sum, with zeros outside", () => {
  const layer = createDepthwiseConv2d(5, 2, rng, { bias: false });
  const x = random([1, 3, 4, 2], 6) as tf.Tensor4D;
  const [image, w] = [x.arraySync(), layer.weight.arraySync() as number[][][][]];
  const expected = [0, 1, 2].flatMap((r) =>
    [0, 1, 2, 3].flatMap((c) =>
      [0, 1].map((channel) => {
        let sum = 0;
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 5; j++) {
            const pixel = image[0]![r + i - 2]?.[c + j - 2]?.[channel] ?? 0;
            sum += pixel * w[i]![j]![channel]![0]!;
          }
        }
        return sum;
      })
    )
  );
  assertClose(depthwiseConv2d(x, layer), expected);
  assertThrows(() => createDepthwiseConv2d(4, 2, rng, { bias: true }), RangeError, "size is 4");
});

Deno.test("dropPath() keeps the mean, drops whole images, and is the identity at rate 0", () => {
  const x = tf.ones([4000, 2]);
  const dropped = dropPath(x, 0.3, createRng(1));
  const kept = dropped.arraySync() as number[][];
  assertTrue(kept.every(([a, b]) => a === b), "an image is dropped whole");
  const share = kept.filter(([a]) => a === 0).length / kept.length;
  assertTrue(Math.abs(share - 0.3) < 0.03, `dropped ${share}`);
  assertClose(dropped.mean(), 1, 0.05);
  assertTrue(dropPath(x, 0, createRng(1)) === x, "rate 0");
  assertThrows(() => dropPath(x, 1, createRng(1)), RangeError, "rate is 1");
});

Deno.test("initial values have their reference's moments", () => {
  const std = (x: tf.Tensor) => tf.moments(x).variance.sqrt().dataSync()[0]!;
  assertClose(std(truncNormal([200, 200], rng.fork("a"))), 0.02, 0.02); // not 0.0176, as a cut at ±2σ would give
  const wide = truncNormal([200, 200], rng.fork("b"), 2);
  assertTrue(wide.abs().max().dataSync()[0]! <= 2, "cut at ±2");
  assertClose(std(kaimingUniform([100, 256], rng.fork("c"), 100)), 0.1 / Math.sqrt(3), 0.02);
  assertClose(std(kaimingNormal([100, 256], rng.fork("d"), 50)), 0.2, 0.02);
  const { weight, bias } = createUniformLinear(100, 2000, rng.fork("e"));
  assertClose(std(weight), 0.1 / Math.sqrt(3), 0.02);
  assertClose(std(bias), 0.1 / Math.sqrt(3), 0.05);
});

Deno.test("namedVariables() gives official paths, parameters() leaves buffers out", () => {
  const tree = { stages: [[{ bn: createBatchNorm(2), gap: null }]] };
  assertEquals([...namedVariables(tree).keys()], [
    "stages.0.0.bn.weight",
    "stages.0.0.bn.bias",
    "stages.0.0.bn.running_mean",
    "stages.0.0.bn.running_var",
  ]);
  assertEquals([...parameters(tree).keys()], ["stages.0.0.bn.weight", "stages.0.0.bn.bias"]);
});

Deno.test("copyTree() copies values and refuses another tree", () => {
  const [a, b] = [createLinear(2, 2, rng.fork("a")), createLinear(2, 2, rng.fork("b"))];
  copyTree(a, b);
  assertClose(b.weight, a.weight);
  a.weight.assign(tf.zeros([2, 2]));
  assertTrue(b.weight.abs().sum().dataSync()[0]! > 0, "a copy, not the same memory");
  assertThrows(() => copyTree(a, createBatchNorm(2)), TypeError, "running_mean");
  assertThrows(() => copyTree(a, createLinear(3, 2, rng)), TypeError, "[2,2] there and [3,2]");
});
