/**
 * What of the kernels for NVIDIA GPUs can be tested without one: their arithmetic of places and
 * sums, compiled for the CPU from the same functions; the products in bf16, which TensorFlow has on
 * a CPU too; and what is in use when. That nvcc compiles them is in lib/native/cuda_deep_test.ts. Nothing here
 * has run on a GPU.
 */
import * as tf from "lib/tf.ts";
import { cudaKernels, cudaOperations } from "lib/native/cuda.ts";
import { cudaDir, cudaIsChecked, rememberCudaCheck } from "lib/native/cuda_library.ts";
import { mixedMatMul, mixedProductKernel } from "lib/native/mixed_product.ts";
import { withPlainOps } from "lib/native/mod.ts";
import { depthwiseConv2d, type DepthwiseConv2dParams } from "lib/nn/conv.ts";
import { linear, type LinearParams } from "lib/nn/linear.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const compiler = Deno.env.get("CXX") ?? "g++";

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

function random(shape: readonly number[], seed: number): Float32Array {
  const rng = createRng(seed).fork("values");
  const size = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length: size }, () => rng.normal(0, 1));
}

/** Compiles the functions of the kernels for the CPU. */
async function compileForHost() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/host.so`;
  const args = ["-std=c++17", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-shared"];
  const { success, stderr } = await new Deno.Command(compiler, {
    args: [...args, `${cudaDir}/depthwise_host.cc`, "-o", path],
  }).output();
  assertTrue(success, new TextDecoder().decode(stderr));
  const library = Deno.dlopen(path, {
    bcssl_host_depthwise: {
      parameters: ["i32", "buffer", "buffer", "buffer", "buffer", "buffer"],
      result: "i32",
    },
    bcssl_host_column_sums: { parameters: ["buffer", "i32", "i32", "buffer"], result: "void" },
  });
  await Deno.remove(folder, { recursive: true });
  return library;
}

/** A map `[B, H, W, C]`, a kernel and a stride. */
type Convolution = readonly [shape: number[], kernel: [number, number], stride: number];

/** Corners: one channel, more than 32, maps smaller than the kernel, rectangles, several tiles. */
const convolutions: readonly Convolution[] = [
  [[2, 5, 9, 1], [7, 7], 1],
  [[2, 5, 9, 3], [1, 1], 1],
  [[2, 7, 7, 33], [3, 3], 2],
  [[3, 1, 1, 20], [9, 9], 1],
  [[3, 2, 4, 70], [15, 15], 2],
  [[1, 13, 30, 5], [51, 5], 1],
  [[1, 30, 13, 5], [5, 51], 2],
  [[1, 11, 14, 6], [51, 51], 1],
  [[1, 37, 41, 3], [31, 31], 2],
  [[5, 19, 18, 10], [9, 9], 1],
  [[9, 14, 40, 2], [5, 5], 2],
];

Deno.test({
  name: "CUDA: depthwise convolutions, run on the CPU, equal the plain ones with both gradients",
  ignore: !has(compiler),
  async fn() {
    const library = await compileForHost();
    const { bcssl_host_depthwise: host } = library.symbols;
    let parts = 0;
    for (const [shape, [kh, kw], stride] of convolutions) {
      const [B, H, W, C] = shape as [number, number, number, number];
      const out = [B, Math.ceil(H / stride), Math.ceil(W / stride), C];
      const [x, weight, bias, dy] = [shape, [kh, kw, C, 1], [C], out].map(random) as [
        ...[Float32Array, Float32Array, Float32Array, Float32Array],
      ];
      const plus = random(shape, 9);
      const sizes = Int32Array.of(B, H, W, C, kh, kw, stride);
      const results = [out, shape, [kh, kw, C, 1]].map((sides) =>
        new Float32Array(sides.reduce((n, side) => n * side, 1)).fill(NaN)
      ) as [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
      host(0, sizes, x, weight, bias, results[0]);
      host(1, sizes, dy, weight, plus, results[1]);
      parts = Math.max(parts, host(2, sizes, x, dy, null, results[2]));
      const expected = withPlainOps(() =>
        tf.tidy(() => {
          const op = (x: tf.Tensor, weight: tf.Tensor) => {
            const params = { weight, bias: tf.tensor1d(bias) };
            return depthwiseConv2d(
              x as tf.Tensor4D,
              params as unknown as DepthwiseConv2dParams,
              { stride },
            );
          };
          const args = [tf.tensor4d(x, [B, H, W, C]), tf.tensor4d(weight, [kh, kw, C, 1])];
          const f = op as (...args: tf.Tensor[]) => tf.Tensor;
          const [dx, dw] = tf.grads(f)(args, tf.tensor(dy, out));
          const added = dx!.add(tf.tensor(plus, shape));
          return [f(...args), added, dw!].map((it) => it.dataSync<"float32">());
        })
      );
      results.forEach((values, i) => assertClose(values, expected[i]!, 1e-5));
    }
    assertTrue(parts > 1, "no gradient of a kernel was added up from parts");
    library.close();
  },
});

Deno.test({
  name: "CUDA: sums of columns, run on the CPU, are those of all rows",
  ignore: !has(compiler),
  async fn() {
    const library = await compileForHost();
    for (const [rows, columns] of [[1, 3], [512, 2], [1300, 5]] as const) {
      const matrix = Float32Array.from({ length: rows * columns }, (_, i) => i % 7 - 2);
      const sums = new Float32Array(columns).fill(NaN);
      library.symbols.bcssl_host_column_sums(matrix, rows, columns, sums);
      const expected = Array.from({ length: columns }, (_, c) => {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += matrix[row * columns + c]!;
        return sum;
      });
      assertEquals([...sums], expected);
    }
    library.close();
  },
});

/** A number rounded to bf16, to the even one of two that are as near. */
function rounded(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

Deno.test("mixedMatMul() rounds factors and products to bf16, in all ways to transpose", () => {
  const [n, k, m] = [5, 33, 7];
  const [a, b] = [random([n, k], 1), random([k, m], 2)];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const actual = tf.tidy(() => {
        const [A, B] = [tf.tensor2d(a, [n, k]), tf.tensor2d(b, [k, m])];
        const inputs = [transposeA ? A.transpose() : A, transposeB ? B.transpose() : B];
        const product = mixedMatMul(inputs, { transposeA, transposeB });
        assertEquals([product.shape, product.dtype], [[n, m], "float32"]);
        return product.dataSync<"float32">();
      });
      const exact = Array.from({ length: n * m }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < k; j++) {
          sum += rounded(a[Math.floor(i / m) * k + j]!) * rounded(b[j * m + i % m]!);
        }
        return sum;
      });
      assertClose(actual, exact, 1 / 256); // bf16 keeps eight digits, the last of them rounded
      assertEquals([...actual], [...actual].map(rounded));
    }
  }
});

Deno.test("linear() in bf16 computes value and gradients by the kernel, and leaves no tensor", () => {
  const shapes = [[2, 3, 17], [17, 9], [9]] as const;
  const run = (precision?: "bf16") =>
    tf.tidy(() => {
      const f = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
        linear(x, { weight, bias } as unknown as LinearParams, precision);
      const args = shapes.map((shape, i) => tf.tensor(random(shape, i), [...shape]));
      const g = f as (...args: tf.Tensor[]) => tf.Tensor;
      const all = [g(...args), ...tf.grads(g)(args, tf.tensor(random([2, 3, 9], 4), [2, 3, 9]))];
      return all.map((it) => it.dataSync<"float32">().slice());
    });
  const fp32 = run();
  assertEquals(run("bf16"), fp32); // this CPU's engine has no such kernel
  tf.registerKernel(mixedProductKernel);
  try {
    assertEquals(run(), fp32);
    const mixed = run("bf16");
    mixed.forEach((values, i) => assertClose(values, fp32[i]!, 2e-2));
    for (const i of [0, 1, 2]) assertTrue(String(mixed[i]) !== String(fp32[i]), `${i} is fp32`);
    assertNoLeak(() => void run("bf16"));
  } finally {
    tf.unregisterKernel(mixedProductKernel.kernelName, mixedProductKernel.backendName);
  }
});

Deno.test("cudaKernels() are off until gpu:check has passed, unless they are asked for", () => {
  const loaded: string[] = [];
  const load = (path: string) => void loaded.push(path);
  const at = (asked: string | undefined, checked: boolean, library?: string) =>
    cudaKernels({ asked, checked, library, load });
  const unchecked = at(undefined, false, "x.so");
  assertEquals([unchecked.status.active, unchecked.status.bf16, unchecked.kernels], [
    false,
    false,
    [],
  ]);
  assertTrue(unchecked.status.reason.includes("until `deno task gpu:check` has passed"), "why");
  assertEquals(at("off", true, "x.so").kernels, []);
  assertEquals(loaded, []);
  for (const on of [at("on", false, "x.so"), at(undefined, true, "y.so")]) {
    assertEquals([on.status.active, on.status.bf16], [true, true]);
    const names = on.kernels.map(({ kernelName }) => kernelName.slice("bcssl/".length));
    assertEquals(names.sort(), [...cudaOperations, "MixedProduct"].sort());
  }
  assertEquals(loaded, ["x.so", "y.so"]);
  assertThrows(() => at("yes", true), RangeError, 'Cannot use BCSSL_CUDA "yes"');
});

Deno.test("cudaKernels() without a compiled library are products in bf16 alone", () => {
  const load = () => {
    throw new Error("there is nothing to load");
  };
  const { status, kernels } = cudaKernels({ asked: "on", library: undefined, load, checked: true });
  if (status.active) return; // this machine has compiled them: `library` was looked for
  assertEquals([status.bf16, kernels], [true, [mixedProductKernel]]);
});

Deno.test("rememberCudaCheck() keeps a pass for this machine, and a failure takes it back", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/gpu-checked.json`;
  assertEquals(cudaIsChecked(file), false);
  await rememberCudaCheck(true, file);
  assertEquals(cudaIsChecked(file), true);
  await Deno.writeTextFile(file, '{"gpus":["another GPU"],"library":"none"}');
  assertEquals(cudaIsChecked(file), false);
  await rememberCudaCheck(true, file);
  await rememberCudaCheck(false, file);
  assertEquals(cudaIsChecked(file), false);
  await Deno.remove(folder, { recursive: true });
});
