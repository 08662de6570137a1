/**
 * Our WebGPU kernels of the layers against the same layers in plain operations on the CPU, forward
 * and backward. Skipped, and counted so, without an adapter.
 */
import * as tf from "lib/tf.ts";
import { convNeXtBlock, createConvNeXtBlock } from "lib/models/convnext/convnext.ts";
import { withPlainOps } from "lib/native/mod.ts";
import { attentionSoftmax } from "lib/nn/attention.ts";
import { depthwiseConv2d, patchConv2d } from "lib/nn/conv.ts";
import { biasGelu, gelu } from "lib/nn/gelu.ts";
import { linear } from "lib/nn/linear.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { batchNorm, createBatchNorm, layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import { scaledResidual } from "lib/nn/residual.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import {
  onWebGpu,
  randomValues,
  tensorOf,
  type Values,
  valuesOf,
  withoutKernels,
  withoutWebGpu,
} from "lib/testing/gpu/webgpu.ts";
import { countWork } from "lib/webgpu/count.ts";

const ignore = withoutWebGpu;
const shapes = [[1, 1], [7, 1], [1, 2, 3, 17], [3, 3, 3, 96], [1041, 33], [300, 257]];

type Op = (...args: tf.Tensor[]) => tf.Tensor;

function random(shape: readonly number[], seed: number, mean = 0, std = 1.5): Values {
  return randomValues(shape, seed, mean, std);
}

/** What a function gives, and its gradients by all arguments for the cotangent. */
function valueAndGrads(f: Op, args: readonly Values[], cotangent: Values): tf.Tensor[] {
  return tf.tidy(() => {
    const all = args.map(tensorOf);
    return [f(...all), ...tf.grads(f)(all, tensorOf(cotangent))];
  });
}

/**
 * WebGPU equals the CPU's plain operations to 1e-5 of the largest number, in value and gradients.
 */
async function assertTwins(f: Op, args: readonly Values[]): Promise<void> {
  const shape = tf.tidy(() => f(...args.map(tensorOf)).shape);
  const cotangent = random(shape, 99);
  const expected = await valuesOf(withPlainOps(() => valueAndGrads(f, args, cotangent)));
  const actual = await onWebGpu(() => valuesOf(valueAndGrads(f, args, cotangent)));
  actual.forEach((it, i) => {
    assertEquals(it.shape, expected[i]!.shape);
    assertClose(...orOnes(it.values, expected[i]!.values));
  });
}

/** Both moved by 1 where nothing but 0 is expected: closeness is relative to the largest number. */
function orOnes(actual: Float32Array, expected: Float32Array): [Float32Array, Float32Array] {
  if (expected.some((x) => x !== 0)) return [actual, expected];
  return [actual.map((x) => x + 1), expected.map((x) => x + 1)];
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `WebGPU: ${name}`, ignore, fn });
}

/** Tests a layer whose arguments have shapes made from that of the first. */
function testShapes(name: string, f: Op, argsOf: (shape: number[]) => Values[]): void {
  test(`${name} equals the plain one`, async () => {
    for (const shape of shapes) await assertTwins(f, argsOf(shape));
  });
}

testShapes("gelu()", gelu, (shape) => [random(shape, 1, 0, 3)]);
testShapes(
  "biasGelu()",
  biasGelu as Op,
  (shape) => [random(shape, 1, 0, 3), random([shape.at(-1)!], 2)],
);
testShapes("l2Normalize()", l2Normalize, (shape) => [random(shape, 1)]);

const norm: Op = (x, weight, bias) =>
  layerNorm(x, { weight, bias } as unknown as LayerNormParams, 1e-2);
testShapes("layerNorm()", norm, (shape) => {
  const C = shape.at(-1)!;
  return [random(shape, 1, 3), random([C], 2), random([C], 3)];
});

/** A BatchNorm with running statistics of its own. */
function batch(training: boolean): Op {
  return (x, weight, bias) => {
    const params = createBatchNorm(x.shape.at(-1)!);
    const own = { ...params, weight, bias } as typeof params;
    return batchNorm(x, own, { training, eps: 1e-2 });
  };
}
for (const training of [true, false]) {
  testShapes(`batchNorm() in ${training ? "training" : "evaluation"}`, batch(training), (shape) => {
    const C = shape.at(-1)!;
    return [random(shape, 1, 3), random([C], 2), random([C], 3)];
  });
}

test("batchNorm() moves the running statistics as the plain one", async () => {
  for (const shape of shapes) {
    const [x, mean, variance] = [
      random(shape, 1, 3),
      ...[2, 3].map((s) => random([shape.at(-1)!], s)),
    ];
    const moved = () => {
      const params = createBatchNorm(shape.at(-1)!);
      const { running_mean, running_var } = params;
      running_mean.assign(tensorOf(mean!) as tf.Tensor1D);
      running_var.assign(tensorOf(variance!) as tf.Tensor1D);
      tf.dispose(batchNorm(tensorOf(x!), params, { training: true, momentum: 0.3 }));
      return [running_mean, running_var];
    };
    const expected = await valuesOf(withPlainOps(moved));
    const actual = await onWebGpu(() => valuesOf(moved()));
    actual.forEach(({ values }, i) => assertClose(values, expected[i]!.values));
  }
});

test("batchNorm() keeps its digits beside a large mean", async () => {
  const x = random([4097, 17], 1, 1000, 1);
  const { mean, variance } = await onWebGpu(async () => {
    const y = batchNorm(tensorOf(x), createBatchNorm(17), { training: true, eps: 0 });
    const { mean, variance } = tf.moments(y, 0);
    const [m, v] = await valuesOf([mean, variance]);
    return { mean: m!.values, variance: v!.values };
  });
  assertClose(mean.map((m) => m + 1), new Float32Array(17).fill(1), 1e-3);
  assertClose(variance, new Float32Array(17).fill(1), 1e-3);
});

test("a NaN stays a NaN", async () => {
  const x = random([3, 17], 1);
  x.values[20] = NaN;
  const [rows, columns] = await onWebGpu(() => {
    const params = createBatchNorm(17);
    const all = tensorOf(x);
    return valuesOf([layerNorm(all, params, 1e-6), batchNorm(all, params, { training: true })]);
  });
  const bad = (values: Float32Array) => values.reduce((n, y) => n + Number(Number.isNaN(y)), 0);
  assertEquals([bad(rows!.values), bad(columns!.values)], [17, 3]);
});

for (const each of [false, true]) {
  testShapes(
    `scaledResidual() with ${each ? "a factor for each image" : "one factor"}`,
    (x, branch, bias, gamma) => {
      const factors = Float32Array.from({ length: each ? x.shape[0]! : 1 }, (_, i) => 0.5 + i % 3);
      const rest = { bias, gamma, keep: factors } as Parameters<typeof scaledResidual>[2];
      return scaledResidual(x, branch!, rest);
    },
    (shape) => {
      const C = shape.at(-1)!;
      const rows = shape.slice(0, -1).reduce((n, side) => n * side, 1);
      return [random(shape, 1), random([rows, C], 2), random([C], 3), random([C], 4)];
    },
  );
}

test("attentionSoftmax() equals the plain one", async () => {
  const scores = random([6, 2, 5, 7], 1, 0, 3);
  await assertTwins(attentionSoftmax as Op, [scores, random([2, 2, 5, 7], 2)]);
  await assertTwins(attentionSoftmax as Op, [scores]);
  await assertTwins(attentionSoftmax as Op, [random([3, 1, 4, 133], 3, 0, 30)]);
});

test("tf.addN() adds up any number of tensors", async () => {
  for (const count of [1, 7, 8, 20]) {
    const summands = Array.from({ length: count }, (_, i) => random([40, 33], i));
    const sum = () => valuesOf([tf.tidy(() => tf.addN(summands.map(tensorOf)))]);
    const [expected, actual] = [await sum(), await onWebGpu(sum)];
    assertClose(actual[0]!.values, expected[0]!.values);
    const bytes = () =>
      (tf.memory() as unknown as { readonly numBytesInGPU: number }).numBytesInGPU;
    const before = await onWebGpu(bytes);
    await onWebGpu(sum);
    assertEquals(await onWebGpu(bytes), before, "sums of some of them are left behind");
  }
});

test("tf.matMul() pairs the matrices of batches as on the CPU", async () => {
  const pairs = [[[4, 1], [4, 3]], [[2, 3], [1, 3]], [[3], [2, 3]], [[2, 1, 3], [4, 1]], [[1], [
    1,
  ]]];
  for (const [own, other] of pairs) {
    const factors = [random([...own!, 5, 6], 1), random([...other!, 6, 7], 2)];
    const product = () =>
      valuesOf(tf.tidy(() => {
        const [a, b] = factors.map(tensorOf);
        return [tf.matMul(a!, b!)];
      }));
    const [[expected], [actual]] = [await product(), await onWebGpu(product)];
    assertEquals(actual!.shape, expected!.shape);
    assertClose(actual!.values, expected!.values);
  }
});

test("tf.matMul() sums up long rows, transposed or not", async () => {
  for (const [length, transposed] of [[3072, true], [2048, false], [2001, true]] as const) {
    const factors = [
      random([12, length], 1),
      random(transposed ? [16, length] : [length, 16], 2),
    ];
    const product = () =>
      valuesOf(tf.tidy(() => {
        const [a, b] = factors.map(tensorOf);
        return [tf.matMul(a!, b!, false, transposed), tf.matMul(b!, a!, !transposed, true)];
      }));
    const [expected, actual] = [await product(), await onWebGpu(product)];
    actual.forEach(({ values }, i) => assertClose(values, expected[i]!.values));
  }
});

test("reductions of no number give what they give on the CPU", async () => {
  const reduce = async () => {
    const results = tf.tidy(() => {
      const [x, yes] = [tf.zeros([0, 3]), tf.zeros([0], "bool")];
      const rows = tf.unsortedSegmentSum(x, tf.tensor1d([], "int32"), 2);
      const sums = [x.sum(), x.sum(0), x.sum(0, true), x.sum(1), yes.sum(), rows];
      return [...sums, x.mean(0), yes.all(), yes.any()];
    });
    const values = await Promise.all(results.map(async (it) => [...await it.data()]));
    const described = results.map(({ shape, dtype }, i) => ({ shape, dtype, values: values[i] }));
    tf.dispose(results);
    return described;
  };
  const expected = await reduce();
  assertEquals(expected[1], { shape: [3], dtype: "float32", values: [0, 0, 0] });
  assertEquals(await onWebGpu(reduce), expected);
});

test("linear() equals the plain one", async () => {
  const op: Op = (x, weight, bias) =>
    linear(x, { weight, bias } as unknown as Parameters<typeof linear>[1]);
  const sizes = [[[2, 3, 17], 5], [[70, 33], 68], [[40, 64], 2048], [[2048, 64], 32]] as const;
  for (const [shape, outs] of sizes) {
    const args = [random(shape, 1), random([shape.at(-1)!, outs], 2)];
    await assertTwins(op, args);
    await assertTwins(op, [...args, random([outs], 3)]);
  }
});

test("patchConv2d() equals the plain one", async () => {
  const op: Op = (x, weight) =>
    patchConv2d(x as tf.Tensor4D, { weight } as unknown as Parameters<typeof patchConv2d>[1]);
  for (const [shape, side] of [[[2, 8, 12, 3], 4], [[3, 7, 9, 24], 2]] as const) {
    await assertTwins(op, [random(shape, 1), random([side, side, shape[3], 5], 2)]);
  }
});

/** Corners: one channel, maps smaller than the kernel, SLaK's rectangles, several tiles. */
const convolutions: readonly [shape: number[], kernel: [number, number]][] = [
  [[2, 5, 9, 1], [7, 7]],
  [[2, 5, 9, 3], [1, 1]],
  [[2, 7, 7, 17], [3, 3]],
  [[3, 1, 1, 20], [9, 9]],
  [[3, 2, 4, 20], [15, 15]],
  [[1, 13, 30, 5], [51, 5]],
  [[1, 30, 13, 5], [5, 51]],
  [[1, 11, 14, 6], [51, 51]],
  [[1, 9, 8, 6], [31, 31]],
  [[20, 14, 7, 33], [5, 5]],
  [[2, 19, 18, 10], [9, 9]],
];
for (const stride of [1, 2]) {
  test(`depthwiseConv2d() at stride ${stride} equals the plain one`, async () => {
    const op: Op = (x, weight, bias) => {
      const params = { weight, bias } as unknown as Parameters<typeof depthwiseConv2d>[1];
      return depthwiseConv2d(x as tf.Tensor4D, params, { stride });
    };
    for (const [i, [shape, kernel]] of convolutions.entries()) {
      const args = [random(shape, 1), random([...kernel, shape[3]!, 1], 2)];
      await assertTwins(op, i % 2 === 0 ? args : [...args, random([shape[3]!], 3)]);
    }
  });
}

/** A block of BC-SSL, forward and backward. */
function block(): void {
  const config = { batchNorm: true, dwconvBias: false, layerScaleInit: 1 };
  const params = createConvNeXtBlock(8, 3, config, createRng(0));
  const run = (x: tf.Tensor) =>
    convNeXtBlock(x as tf.Tensor4D, params, { training: true, dropPathRate: 0 });
  tf.grad(run)(tf.zeros([2, 5, 5, 8]));
}

test("countWork() counts the dispatches of a block as they happen, and they are fewer", async () => {
  await onWebGpu(async () => {
    const backend = tf.backend() as unknown as { runWebGPUProgram(...args: unknown[]): unknown };
    const run = backend.runWebGPUProgram.bind(backend);
    let dispatches = 0;
    backend.runWebGPUProgram = (...args) => {
      dispatches++;
      return run(...args);
    };
    try {
      tf.tidy(block);
    } finally {
      Reflect.deleteProperty(backend, "runWebGPUProgram");
    }
    const ours = countWork(block);
    assertEquals(ours.dispatches, dispatches);
    const plain = await withoutKernels(() => countWork(block));
    assertTrue(ours.dispatches < plain.dispatches / 2, `${ours.dispatches} of ${plain.dispatches}`);
    assertTrue(ours.bytes < plain.bytes / 2, `${ours.bytes} of ${plain.bytes} bytes`);
  });
});

Deno.test("countWork() says what it needs", () => {
  assertThrows(() => countWork(block), Error, "need BCSSL_ENGINE=webgpu");
});
