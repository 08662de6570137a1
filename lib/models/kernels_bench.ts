/**
 * The native kernels at the paper's sizes, each named with its work, GFLOP or megabytes moved:
 * `deno bench -A lib/models/kernels_bench.ts`. Beside PyTorch they stand in `deno task
 * bench:peers`.
 */
import * as tf from "lib/tf.ts";
import { nativeStatus } from "lib/native/mod.ts";
import { fused } from "lib/nn/fused.ts";

const ignore = !nativeStatus().active;
const random = (shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", 1);

/** A kernel on inputs of these shapes. */
function bench(
  group: string,
  work: string,
  kernel: string,
  shapes: number[][],
  constants: Record<string, number> = {},
): void {
  if (ignore) return;
  const inputs = shapes.map(random);
  Deno.bench({
    name: `${kernel} ${work}`,
    group,
    n: 10,
    warmup: 2,
    fn: () => tf.dispose(fused(kernel, inputs, constants)!),
  });
}

const stages: [number, number, number][] = [[32, 56, 96], [32, 28, 192], [64, 14, 384], [
  64,
  7,
  768,
]];
for (const [images, side, channels] of stages) {
  const maps = [images, side, side, channels];
  for (const k of [3, 7, 9, 15, 31]) {
    const weight = [k, k, channels, 1];
    const gflop = `${(2e-9 * images * side * side * channels * k * k).toFixed(2)} GFLOP`;
    const group = `${k}×${k} on ${images}×${side}×${side}×${channels}`;
    bench(group, gflop, "Depthwise", [maps, weight], { stride: 1 });
    bench(group, gflop, "DepthwiseGradInput", [maps, maps, weight], { stride: 1 });
    bench(group, gflop, "DepthwiseGradWeight", [maps, maps, weight], { stride: 1 });
  }
}

const [rows, C] = [32 * 56 * 56, 96];
const passes = (count: number) => `${(count * rows * C * 4e-6).toFixed(0)} MB`;
const [x, c, hidden] = [[rows, C], [C], [rows, 4 * C]];
const group = `rows ${rows}×${C}`;
bench(group, passes(2), "LayerNorm", [x, c, c], { eps: 1e-6 });
bench(group, passes(3), "LayerNormGrad", [x, x, [rows, 1], [rows, 1], c]);
bench(group, passes(3), "BatchNorm", [x, c, c, c, c], { eps: 1e-5, momentum: 0.1 });
bench(group, passes(5), "BatchNormGrad", [x, x, c, c, c]);
bench(group, passes(8), "BiasGelu", [hidden, [4 * C]]);
bench(group, passes(12), "BiasGeluGrad", [hidden, hidden, [4 * C]]);
bench(group, passes(3), "ScaledResidual", [x, x, c, c, [1]]);
bench(group, passes(3), "ScaledResidualGrad", [x, x, c, c, [1]]);
const layers = [c, c, [C, 4 * C], [4 * C], [4 * C, C], c, c, [1]];
const gflop = (products: number) => `${(products * 8e-9 * rows * C * C).toFixed(2)} GFLOP`;
for (const bf16 of nativeStatus().bf16 ? [0, 1] : [0]) {
  const rounded = bf16 ? " in bf16" : "";
  bench(group, gflop(2) + rounded, "Pointwise", [x, x, ...layers], { eps: 1e-6, bf16 });
  bench(group, gflop(5) + rounded, "PointwiseGrad", [x, x, ...layers], { eps: 1e-6, bf16 });
}
bench(group, passes(2), "Softmax", [x]);
bench(group, passes(3), "SoftmaxGrad", [x, x]);
