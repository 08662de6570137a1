/** Native kernels beside their plain twins: `deno bench -A lib/models/native_bench.ts`. */
import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { depthwiseConv2d, type DepthwiseConv2dParams } from "lib/nn/conv.ts";
import { biasGelu } from "lib/nn/gelu.ts";
import { batchNorm, createBatchNorm, createLayerNorm, layerNorm } from "lib/nn/norms.ts";
import { scaledResidual } from "lib/nn/residual.ts";

type Op = (...args: tf.Tensor[]) => tf.Tensor;

/** Forward and backward of an op on arguments of these shapes, in both ways. */
function compare(group: string, op: Op, shapes: number[][], n = 20): void {
  const args = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, "float32", i));
  const dy = tf.tidy(() => op(...args).clone());
  const run = () => tf.dispose(tf.grads(op)(args, dy));
  Deno.bench({
    name: `${group}, native`,
    group,
    n,
    warmup: 3,
    ignore: !nativeStatus().active,
    fn: run,
  });
  const plain = () => withPlainOps(run);
  Deno.bench({ name: `${group}, plain`, group, n, warmup: 1, baseline: true, fn: plain });
}

const convolution: Op = (x, weight) =>
  depthwiseConv2d(x as tf.Tensor4D, { weight } as unknown as DepthwiseConv2dParams);
for (const k of [3, 7, 9, 15]) {
  compare(`depthwise ${k}×${k} on 64×28×28×96`, convolution, [[64, 28, 28, 96], [k, k, 96, 1]], 5);
}
compare("depthwise 7×7 on 512×4×4×64", convolution, [[512, 4, 4, 64], [7, 7, 64, 1]]);

const [rows, C] = [32768, 32]; // the first stage of a laptop-scale step: 512 views of 8×8
const [norm, batch] = [createLayerNorm(C), createBatchNorm(C)];
compare("layerNorm", (x) => layerNorm(x, norm, 1e-6), [[rows, C]]);
compare("batchNorm", (x) => batchNorm(x, batch, { training: true }), [[rows, C]]);
compare("biasGelu", biasGelu as Op, [[rows, 4 * C], [4 * C]]);
const keep = Float32Array.of(1);
const ending: Op = (x, branch, bias, gamma) =>
  scaledResidual(x, branch!, { bias: bias as tf.Tensor1D, gamma: gamma as tf.Tensor1D, keep });
compare("scaledResidual", ending, [[rows, C], [rows, C], [C], [C]]);
