/**
 * Every native kernel of the layers against the same layer in plain ops. Skipped, and counted so,
 * without the kernels.
 */
import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { attention, attentionSoftmax } from "lib/nn/attention.ts";
import { depthwiseConv2d, patchConv2d } from "lib/nn/conv.ts";
import { createRng } from "lib/rng.ts";
import { fused } from "lib/nn/fused.ts";
import { biasGelu, gelu } from "lib/nn/gelu.ts";
import { linear } from "lib/nn/linear.ts";
import { batchNorm, createBatchNorm, createLayerNorm, layerNorm } from "lib/nn/norms.ts";
import { scaledResidual } from "lib/nn/residual.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const ignore = !nativeStatus().active;
const shapes = [[1, 1], [1, 3], [7, 1], [1, 2, 3, 17], [5, 32], [3, 3, 3, 96], [4097, 33], [
  300,
  257,
]];

function random(shape: number[], seed: number, mean = 0, std = 1.5): tf.Tensor {
  return tf.randomNormal(shape, mean, std, "float32", seed);
}

type Op = (...args: tf.Tensor[]) => tf.Tensor;

/** What a function gives, and its gradients by all arguments for a random cotangent. */
function valueAndGrads(f: Op, args: tf.Tensor[]): tf.Tensor[] {
  return tf.tidy(() => {
    const value = f(...args);
    return [value, ...tf.grads(f)(args, random(value.shape, 99))];
  });
}

/** Native equals plain, to 1e-5 in value and 1e-4 in gradients, and itself, to the last bit. */
function assertTwins(f: Op, args: tf.Tensor[]): void {
  tf.tidy(() => {
    const [native, again] = [valueAndGrads(f, args), valueAndGrads(f, args)];
    const plain = withPlainOps(() => valueAndGrads(f, args));
    native.forEach((actual, i) => {
      assertEquals(actual.shape, plain[i]!.shape);
      assertClose(orOnes(actual, plain[i]!), orOnes(plain[i]!, plain[i]!), i === 0 ? 1e-5 : 1e-4);
      assertEquals(actual.dataSync(), again[i]!.dataSync(), "two runs differ");
    });
  });
}

/**
 * `x`, moved by 1 where nothing but 0 is expected: closeness is relative to the largest expected
 * value.
 */
function orOnes(x: tf.Tensor, expected: tf.Tensor): tf.Tensor {
  return expected.abs().max().dataSync()[0]! > 0 ? x : x.add(1);
}

for (const shape of shapes) {
  Deno.test({
    name: `native gelu() equals the plain one on [${shape}]`,
    ignore,
    fn: () => assertTwins(gelu, [random(shape, 1, 0, 3)]),
  });

  Deno.test({
    name: `native biasGelu() equals the plain one on [${shape}]`,
    ignore,
    fn: () => assertTwins(biasGelu as Op, [random(shape, 1, 0, 3), random([shape.at(-1)!], 2)]),
  });

  Deno.test({
    name: `native scaledResidual() equals the plain one on [${shape}]`,
    ignore,
    fn() {
      const [B, C] = [shape[0]!, shape.at(-1)!];
      for (
        const keep of [
          Float32Array.of(0.7),
          Float32Array.from({ length: B }, (_, i) => i % 3),
        ]
      ) {
        const op = (x: tf.Tensor, branch: tf.Tensor, bias: tf.Tensor, gamma: tf.Tensor) =>
          scaledResidual(x, branch, { bias, gamma, keep } as Parameters<typeof scaledResidual>[2]);
        const branch = random([shape.slice(0, -1).reduce((n, side) => n * side, 1), C], 2);
        assertTwins(op as Op, [random(shape, 1), branch, random([C], 3), random([C], 4)]);
      }
    },
  });

  Deno.test({
    name: `native layerNorm() equals the plain one on [${shape}]`,
    ignore,
    fn() {
      const C = shape.at(-1)!;
      const op = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
        layerNorm(x, { weight: w, bias: b } as ReturnType<typeof createLayerNorm>, 1e-2);
      assertTwins(op, [random(shape, 1, 3), random([C], 2), random([C], 3)]);
    },
  });

  Deno.test({
    name: `native batchNorm() equals the plain one on [${shape}]`,
    ignore,
    fn() {
      const C = shape.at(-1)!;
      const params = createBatchNorm(C);
      const op = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
        batchNorm(x, { ...params, weight: w, bias: b } as typeof params, {
          training: true,
          eps: 1e-2,
        });
      assertTwins(op, [random(shape, 1, 3), random([C], 2), random([C], 3)]);
    },
  });

  Deno.test({
    name: `native batchNorm() moves the running statistics as the plain one on [${shape}]`,
    ignore,
    fn() {
      const x = random(shape, 1, 3);
      const moved = () => {
        const params = createBatchNorm(shape.at(-1)!);
        tf.dispose(batchNorm(x, params, { training: true, momentum: 0.3 }));
        return [params.running_mean, params.running_var];
      };
      const plain = withPlainOps(moved);
      moved().forEach((statistic, i) => assertClose(statistic, plain[i]!));
    },
  });
}

for (const [shape, bias] of [[[6, 2, 5, 7], [2, 2, 5, 7]], [[3, 1, 4, 33]]] as const) {
  Deno.test({
    name: `native attentionSoftmax() equals the plain one on [${shape}]${bias ? ", bias" : ""}`,
    ignore,
    fn: () =>
      assertTwins(
        attentionSoftmax as Op,
        bias ? [random([...shape], 1, 0, 3), random([...bias], 2)] : [random([...shape], 1, 0, 3)],
      ),
  });
}

for (
  const [groups, tokens, numHeads, headDim, biases] of [
    [3, 1, 1, 4, 0],
    [3, 1, 2, 12, 1],
    [6, 4, 2, 4, 3],
    [64, 25, 2, 12, 1],
    [32, 25, 1, 12, 16],
    [8, 49, 3, 32, 4],
    [2, 197, 2, 64, 0],
    [1, 33, 1, 5, 1],
  ] as const
) {
  Deno.test({
    name: `native attention() equals the plain one: ${groups} groups of ${tokens} tokens, ` +
      `${numHeads} heads of ${headDim}, ${biases} biases`,
    ignore,
    fn() {
      const op = (qkv: tf.Tensor, bias?: tf.Tensor) =>
        attention(qkv as tf.Tensor3D, { numHeads, bias: bias as tf.Tensor4D | undefined });
      const qkv = random([groups, tokens, 3 * numHeads * headDim], 1);
      const bias = random([biases, numHeads, tokens, tokens], 2);
      assertTwins(op as Op, biases > 0 ? [qkv, bias] : [qkv]);
    },
  });
}

Deno.test({
  name: "native attention refuses heads that do not share the numbers, and a bias of another size",
  ignore,
  fn() {
    const qkv = random([4, 5, 18], 1);
    const run = (heads: number, bias?: number[]) => () =>
      fused("Attention", bias ? [qkv, random(bias, 2)] : [qkv], { heads });
    assertThrows(run(4), Error, "no attention of 4 heads to [4,5,18]");
    assertThrows(run(0), Error, "no attention of 0 heads");
    for (const bias of [[3, 2, 5, 5], [0, 2, 5, 5], [1, 3, 5, 5], [1, 2, 5, 4], [2, 5, 5]]) {
      assertThrows(run(2, bias), Error, `a bias of [${bias}] does not fit 2 heads of [4,5,18]`);
    }
    const grad = () => fused("AttentionGrad", [random([4, 5, 5], 2), qkv], { heads: 2 });
    assertThrows(grad, Error, "input 0 has 100 numbers, expected 120");
  },
});

for (
  const [shape, out] of [[[1, 1], 1], [[2, 3, 17], 5], [[700, 33], 130], [
    [4, 7, 7, 48],
    96,
  ]] as const
) {
  Deno.test({
    name: `native linear() equals the plain one, [${shape}] to ${out}`,
    ignore,
    fn() {
      const op = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) =>
        linear(x, { weight, bias } as unknown as Parameters<typeof linear>[1]);
      const args = [random([...shape], 1), random([shape.at(-1)!, out], 2)];
      assertTwins(op as Op, args);
      assertTwins(op as Op, [...args, random([out], 3)]);
    },
  });
}

for (const [shape, side] of [[[2, 8, 12, 3], 4], [[3, 7, 9, 24], 2]] as const) {
  Deno.test({
    name: `native patchConv2d() equals the plain one, ${side} a side on [${shape}]`,
    ignore,
    fn() {
      const op = (x: tf.Tensor, weight: tf.Tensor) =>
        patchConv2d(x as tf.Tensor4D, { weight } as unknown as Parameters<typeof patchConv2d>[1]);
      assertTwins(op, [random([...shape], 1), random([side, side, shape[3], 5], 2)]);
    },
  });
}

Deno.test({
  name: "native batchNorm() equals the plain one in evaluation",
  ignore,
  fn() {
    const params = createBatchNorm(17);
    params.running_mean.assign(random([17], 4) as tf.Tensor1D);
    params.running_var.assign(random([17], 5).square() as tf.Tensor1D);
    const op = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
      batchNorm(x, { ...params, weight: w, bias: b } as typeof params, { training: false });
    assertTwins(op, [random([4, 3, 17], 1), random([17], 2), random([17], 3)]);
  },
});

interface Convolution {
  readonly shape: [number, number, number, number]; // [B, H, W, C]
  readonly kernel: [number, number];
  readonly stride: number;
  readonly bias: boolean;
}

/**
 * Corners: no more channels than fit a vector, maps smaller than the kernel, SLaK's rectangles,
 * more images than parts.
 */
const corners: Convolution[] = ([
  [[2, 5, 9, 1], [7, 7]],
  [[2, 5, 9, 3], [7, 7]],
  [[2, 5, 9, 17], [7, 7]],
  [[3, 1, 1, 20], [9, 9]],
  [[3, 2, 4, 20], [15, 15]],
  [[1, 13, 60, 5], [51, 5]],
  [[1, 60, 13, 5], [5, 51]],
  [[1, 20, 33, 18], [51, 51]],
  [[70, 14, 7, 33], [5, 5]],
] as [Convolution["shape"], Convolution["kernel"]][]).flatMap(([shape, kernel]) =>
  [1, 2].map((stride) => ({ shape, kernel, stride, bias: stride === 2 }))
);

/** Shapes at random, always the same ones. */
function randomConvolutions(count: number): Convolution[] {
  const rng = createRng(4).fork("convolutions");
  const side = (most: number) => 1 + rng.int(most);
  return Array.from({ length: count }, () => ({
    shape: [side(3), side(30), side(30), side(50)],
    kernel: [2 * side(8) - 1, 2 * side(8) - 1],
    stride: side(2),
    bias: rng.bernoulli(0.5),
  }));
}

for (const { shape, kernel, stride, bias } of [...corners, ...randomConvolutions(40)]) {
  const [height, width] = kernel;
  const title = `${height}×${width}, stride ${stride}${bias ? ", bias" : ""} on [${shape}]`;
  Deno.test({
    name: `native depthwiseConv2d() equals the plain one, ${title}`,
    ignore,
    fn() {
      const op = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) => {
        const params = { weight, bias } as unknown as Parameters<typeof depthwiseConv2d>[1];
        return depthwiseConv2d(x as tf.Tensor4D, params, { stride });
      };
      const args = [random(shape, 1), random([height, width, shape[3], 1], 2)];
      assertTwins(op as Op, bias ? [...args, random([shape[3]], 3)] : args);
    },
  });
}

Deno.test({
  name: "native gelu() is exact far from zero and passes NaN and infinity on",
  ignore,
  fn() {
    const x = tf.tensor1d([-40, -12, -6, -3, -1e-20, 0, 1e-20, 3, 6, 12, 40, NaN, Infinity]);
    const y = gelu(x).dataSync();
    const tail = (a: number) => a === 3 ? 1.3498980316301e-3 : 9.8658764503770e-10; // Q(3), Q(6)
    const expected = [0, 0, -6 * tail(6), -3 * tail(3), 0, 0, 0, 3 - 3 * tail(3), 6, 12, 40];
    expected.forEach((value, i) => {
      const error = Math.abs(y[i]! - value);
      assertTrue(
        error <= 2e-6 * Math.abs(value) + 1e-18,
        `${x.dataSync()[i]}: ${y[i]}, not ${value}`,
      );
    });
    assertTrue(
      Number.isNaN(y[11]!) && y[12] === Infinity,
      `NaN and ∞ became ${y[11]} and ${y[12]}`,
    );
  },
});

Deno.test({
  name: "native norms keep their digits beside a large mean, and pass NaN on",
  ignore,
  fn() {
    const x = random([4097, 17], 1, 1000, 1);
    const params = createBatchNorm(17);
    const y = batchNorm(x, params, { training: true, eps: 0 });
    const { mean, variance } = tf.moments(y, 0);
    assertTrue(mean.abs().max().dataSync()[0]! < 1e-3, "mean is not 0");
    assertClose(variance, new Float32Array(17).fill(1), 1e-3);
    const spoilt = tf.concat([x, tf.fill([1, 17], NaN)]);
    for (
      const bad of [layerNorm(spoilt, params, 1e-6), batchNorm(spoilt, params, { training: true })]
    ) {
      assertTrue(Number.isNaN(bad.dataSync().at(-1)), "a NaN was lost");
    }
  },
});

Deno.test("BCSSL_NATIVE=off gives plain ops, and says so", async () => {
  const code =
    'import { nativeStatus } from "lib/native/mod.ts"; console.log(JSON.stringify(nativeStatus()))';
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    cwd: import.meta.dirname!,
    env: { BCSSL_NATIVE: "off" },
  }).output();
  const status = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(status, {
    active: false,
    reason: "plain ops: BCSSL_NATIVE is off",
    bf16: false,
  });
});
