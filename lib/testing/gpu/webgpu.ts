/**
 * WebGPU beside TensorFlow in one process, for tests that compare the two. Without an adapter, such
 * as Debian's `mesa-vulkan-drivers` for machines without a GPU, these tests are skipped.
 */
import { createRng } from "lib/rng.ts";
import * as tf from "lib/tf.ts";
import { requestAdapter, startWebGpu } from "lib/tf_adapter.ts";
import { webGpuKernels } from "lib/webgpu/mod.ts";

/** Whether this machine has no adapter: the option `ignore` of a test. */
export const withoutWebGpu: boolean = await requestAdapter() === undefined;

let complaints: string[] = [];

/** Starts WebGPU with our kernels, at the first call. */
async function start(): Promise<void> {
  const device = await startWebGpu();
  webGpuKernels.forEach((kernel) => tf.registerKernel(kernel));
  // Without a listener, a shader that does not compile computes nothing and says nothing.
  device.addEventListener("uncapturederror", (event) => {
    complaints.push((event as GPUUncapturedErrorEvent).error.message);
  });
}

let started: Promise<void> | undefined;

/**
 * Runs `body` with WebGPU as tfjs's backend, and returns to TensorFlow.
 *
 * @throws {Error} If the device complains, as of a shader that does not compile.
 */
export async function onWebGpu<T>(body: () => T | Promise<T>): Promise<T> {
  const before = tf.getBackend();
  try {
    await (started ??= start());
    await tf.setBackend("webgpu");
    const result = await body();
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
    return result;
  } finally {
    complaints = [];
    await tf.setBackend(before);
  }
}

/** Runs `body` on WebGPU without our kernels, or without those of these names, as `Gelu`. */
export async function withoutKernels<T>(
  body: () => T | Promise<T>,
  names?: readonly string[],
): Promise<T> {
  const missing = webGpuKernels.filter(({ kernelName }) =>
    names === undefined || names.includes(kernelName.slice("bcssl/".length))
  );
  missing.forEach(({ kernelName, backendName }) => tf.unregisterKernel(kernelName, backendName));
  try {
    return await body();
  } finally {
    missing.forEach((kernel) => tf.registerKernel(kernel));
  }
}

/** Numbers and their shape, apart from any backend. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Reads tensors and frees them; works on any backend. */
export async function valuesOf(tensors: readonly tf.Tensor[]): Promise<Values[]> {
  const all = await Promise.all(
    tensors.map(async (x) => ({ shape: x.shape, values: await x.data<"float32">() })),
  );
  tf.dispose([...tensors]);
  return all;
}

/** A tensor on the backend in use. */
export function tensorOf({ shape, values }: Values): tf.Tensor {
  return tf.tensor(values, [...shape], "float32");
}

/** Normally distributed numbers, the same on every backend. */
export function randomValues(shape: readonly number[], seed: number, mean = 0, std = 1): Values {
  const rng = createRng(seed).fork("values");
  const size = tf.util.sizeFromShape([...shape]);
  return { shape, values: Float32Array.from({ length: size }, () => rng.normal(mean, std)) };
}
