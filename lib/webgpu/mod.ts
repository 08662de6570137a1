/**
 * Our own kernels in WGSL for WebGPU, for what tfjs composes of many operations or computes slowly.
 * They have the names, inputs and outputs of the C++ kernels (lib/native/signatures.ts), so
 * `lib/nn` calls either in the same way. WebGPU has only some of them: a caller asks for the family
 * that it needs (`families` in lib/nn/fused.ts), and runs plain operations without it. It has none
 * for the block in one piece (`Pointwise`).
 *
 * What tfjs 4.22 lacks or does otherwise on WebGPU, found by the tests of `lib/nn` and `lib/models`
 * and by comparing every operation used here with TensorFlow's:
 *
 * - Reading at once (`dataSync`) needs a canvas, and fails in Deno: `await tensor.data()`. A tensor
 *   that is freed before its read has ended makes the read fail.
 * - Mended in lib/tf_mends.ts: `tf.addN` of more than seven tensors; `tf.matMul` of batches of which
 *   one has an axis of 1 that the other has not, `[R, 1, …]` by `[R, S, …]`, and of rows of 2,000
 *   numbers and more by a transposed matrix, where there are few of both; sums, means and segments
 *   of no number; the gradient of `tf.maxPool` where values are equal. The products gave wrong numbers, and said nothing.
 * - The kernel `Select` takes a scalar condition for matrices only; `tf.where` is right.
 * - `tf.avgPool` with padding `same` has another gradient at the last rows and columns if the stride
 *   is not 1. Nothing here uses it.
 * - A product or convolution of more rows or batches than WebGPU has workgroups along an axis fails,
 *   "Dispatch size exceeds WebGPU limits in Y or Z dimension", as in a detector at full size.
 * - `tf.argMax` and `tf.argMin` of a row with a NaN, and `tf.sign` of a NaN, give other values.
 */
import * as tf from "lib/tf.ts";
import { depthwise, depthwiseGradInput, depthwiseGradWeight } from "./depthwise.ts";
import {
  dinoLoss,
  dinoLossGrad,
  dinoTeacher,
  prototypeGrad,
  prototypeScales,
} from "./dino_kernels.ts";
import * as layers from "./layers.ts";
import { linear, linearGradInput, linearGradWeight } from "./linear_kernels.ts";
import * as norms from "./norm_kernels.ts";
import { adamW, movingAverage, squaredNorms } from "./optimizer_kernels.ts";
import { tensors } from "./program.ts";
import { roiAlign, roiAlignGrad } from "./roi_align.ts";

/** Computes the outputs of a kernel from its inputs, all in the order of its signature. */
type Kernel = (
  inputs: readonly tf.TensorInfo[],
  // deno-lint-ignore no-explicit-any -- each kernel names its own attributes
  attributes: any,
) => tf.TensorInfo[];

/** Every kernel, by the name of its operation. */
const table: Readonly<Record<string, Kernel>> = {
  Gelu: layers.gelu,
  GeluGrad: layers.geluGrad,
  BiasGelu: layers.biasGelu,
  BiasGeluGrad: layers.biasGeluGrad,
  Linear: linear,
  LinearGradInput: linearGradInput,
  LinearGradWeight: linearGradWeight,
  LayerNorm: norms.layerNorm,
  LayerNormGrad: norms.layerNormGrad,
  Affine: layers.affine,
  BatchMoments: norms.batchMoments,
  BatchNorm: norms.batchNorm,
  BatchNormGrad: norms.batchNormGrad,
  ScaledResidual: layers.scaledResidual,
  ScaledResidualGrad: layers.scaledResidualGrad,
  Depthwise: depthwise,
  DepthwiseGradInput: depthwiseGradInput,
  DepthwiseGradWeight: depthwiseGradWeight,
  Softmax: norms.softmax,
  SoftmaxGrad: norms.softmaxGrad,
  Patches: layers.patches,
  PatchesGrad: layers.patchesGrad,
  RoiAlign: roiAlign,
  RoiAlignGrad: roiAlignGrad,
  L2Normalize: norms.l2Normalize,
  L2NormalizeGrad: norms.l2NormalizeGrad,
  PrototypeScales: prototypeScales,
  PrototypeGrad: prototypeGrad,
  DinoTeacher: dinoTeacher,
  DinoLoss: dinoLoss,
  DinoLossGrad: dinoLossGrad,
  SquaredNorms: squaredNorms,
  AdamW: adamW,
  MovingAverage: movingAverage,
};

/** The kernels as tfjs registers them, `bcssl/Gelu` and so on. */
export const webGpuKernels: readonly tf.KernelConfig[] = Object.entries(table)
  .map(([name, kernel]) => ({
    kernelName: `bcssl/${name}`,
    backendName: "webgpu",
    kernelFunc: ({ inputs, attrs }) =>
      tensors(...kernel(inputs as unknown as readonly tf.TensorInfo[], attrs)),
  }));

let registered = false;

/**
 * Registers the kernels if this process computes on WebGPU. Further calls change nothing.
 * `BCSSL_NATIVE=off` keeps the plain operations, as on the CPU.
 *
 * @returns Whether they are in use.
 */
export function useWebGpuKernels(): boolean {
  if (registered) return true;
  registered = tf.engine().backend === "webgpu" && Deno.env.get("BCSSL_NATIVE") !== "off";
  if (registered) webGpuKernels.forEach((kernel) => tf.registerKernel(kernel));
  return registered;
}
