/**
 * Kernels that do several tensor operations in one pass. `lib/native` puts them into tfjs's registry where it can; every
 * caller has the same computation in plain operations for where it cannot, as their meaning and their oracle:
 *
 *     fused("Gelu", [x])?.[0] ?? plainGelu(x)
 */
import * as tf from "lib/tf.ts";

/** Whether the backend in use has this kernel: for ops whose plain twin has a gradient of its own. */
export function hasFused(name: string): boolean {
  return tf.getKernel(`bcssl/${name}`, tf.getBackend()) !== undefined;
}

/**
 * Runs a fused kernel.
 *
 * @param inputs In the kernel's order, `lib/native/src/ops/ops.cc`.
 * @param attributes Constants. TensorFlow keeps a kernel for each value, so what changes by the step is an input.
 * @returns Its outputs, which the caller owns, or undefined if the backend in use has no such kernel.
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
