/**
 * Kernels that do several tensor operations in one pass. `lib/native` (on a CPU) and `lib/webgpu`
 * register them with tfjs where they can. Every caller also has the same computation in plain
 * operations: it runs where there is no kernel, and says what the kernel computes.
 *
 *     fused("Gelu", [x])?.[0] ?? plainGelu(x)
 *
 * Nothing here registers a kernel: a program that imports `lib/nn` alone runs plain operations,
 * slower and with other last digits, unless it calls `useNativeKernels()` of lib/native/mod.ts and
 * `useWebGpuKernels()` of lib/webgpu/mod.ts, as lib/models/mod.ts does.
 */
import * as tf from "lib/tf.ts";

/**
 * Kernels that need each other, as a gradient needs the form that its forward pass saves. A caller
 * asks for its whole family ({@linkcode hasFamily}), so a backend that has only some of its kernels
 * runs plain operations. A kernel in no family is replaced by its own plain operations alone.
 */
export const families = {
  linear: ["Linear", "LinearGradInput", "LinearGradWeight"],
  attention: ["Attention", "AttentionGrad"],
  softmax: ["Softmax", "SoftmaxGrad"],
  patches: ["Patches", "PatchesGrad"],
  depthwise: ["Depthwise", "DepthwiseGradInput", "DepthwiseGradWeight"],
  pointwise: ["Pointwise", "PointwiseGrad"],
  convNeXtBlock: [
    ...["Depthwise", "DepthwiseGradInput", "DepthwiseGradWeight"],
    ...["BatchMoments", "Pointwise", "PointwiseGrad"],
  ],
  roiAlign: ["RoiAlign", "RoiAlignGrad"],
  dinoTeacher: ["PrototypeScales", "DinoTeacher"],
  dinoLoss: ["PrototypeScales", "PrototypeGrad", "DinoLoss", "DinoLossGrad"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Whether the backend in use has every kernel of a family. */
export function hasFamily(family: keyof typeof families): boolean {
  return families[family].every(hasFused);
}

/** Whether the backend in use has this kernel. */
export function hasFused(name: string): boolean {
  return tf.getKernel(`bcssl/${name}`, tf.getBackend()) !== undefined;
}

/**
 * Runs a fused kernel.
 *
 * @param inputs In the order of the operation's signature, lib/native/signatures.ts.
 * @param attributes Constants. TensorFlow keeps a kernel for each value, so a number that changes
 *   with the step is an input.
 * @returns Its outputs, which the caller owns, or undefined if the backend in use has no such
 *   kernel.
 */
export function fused(
  name: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, number>> = {},
): tf.Tensor[] | undefined {
  const kernel = tf.getKernel(`bcssl/${name}`, tf.getBackend());
  if (kernel === undefined) return undefined;
  const named = inputs as unknown as tf.NamedTensorInfoMap; // an array, as for tfjs's own Concat
  return kernel.kernelFunc({
    inputs: named,
    attrs: attributes,
    backend: tf.backend(),
  }) as tf.Tensor[];
}
