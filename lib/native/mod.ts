/**
 * Fused kernels in C++ for the CPU, and depthwise convolutions for NVIDIA GPUs, registered with tfjs.
 * `lib/nn` and `lib/train` look for them by name (`fused` in lib/nn/fused.ts) and otherwise do the
 * same with plain tensor operations.
 *
 * Importing this module registers nothing: {@linkcode useNativeKernels} does, and so does every
 * other function here, since it needs to know. `BCSSL_NATIVE=off` keeps the plain operations.
 */
import * as tf from "lib/tf.ts";
import { newestLibrary } from "lib/native/_library.ts";
import { kernels } from "lib/native/_kernels.ts";
import type { NativeStatus } from "lib/native/_status.ts";
import { cudaKernels } from "lib/native/cuda.ts";

export type { NativeStatus } from "lib/native/_status.ts";
export { buildNative, type NativeBuild } from "lib/native/build.ts";

let status: NativeStatus | undefined;
/** The kernels that are registered. */
let registered: readonly tf.KernelConfig[] = [];

/**
 * Loads the compiled kernels and registers them, where there are any for this CPU. Further calls
 * change nothing.
 *
 * Without a call, `lib/nn` runs plain operations: slower, with other last digits. `lib/models`
 * calls it.
 */
export function useNativeKernels(): NativeStatus {
  return status ??= start();
}

/** Whether the native kernels are in use, and if not, why not. */
export function nativeStatus(): NativeStatus {
  return useNativeKernels();
}

/**
 * Runs `body` with plain operations in place of the native kernels: the oracle of tests, the
 * baseline of benchmarks.
 *
 * @param names The kernels to replace, as `Gelu`; by default all.
 */
export function withPlainOps<T>(body: () => T, names?: readonly string[]): T {
  if (!useNativeKernels().active) return body();
  const replaced = registered.filter(({ kernelName }) =>
    names === undefined || names.includes(kernelName.slice("bcssl/".length))
  );
  replaced.forEach(({ kernelName, backendName }) => tf.unregisterKernel(kernelName, backendName));
  try {
    return body();
  } finally {
    replaced.forEach((kernel) => tf.registerKernel(kernel));
  }
}

function start(): NativeStatus {
  const obstacle = whyNot();
  if (obstacle !== undefined) return inactive(obstacle);
  try {
    if (tf.engine().device === "GPU") return startCuda();
    const library = newestLibrary("bcssl");
    if (library === undefined) {
      return missing("plain ops: no compiled native kernels for this CPU; run `deno task setup`");
    }
    const bf16 = load(library);
    register(kernels);
    return { active: true, reason: "native kernels in use", bf16 };
  } catch (error) {
    return missing(error instanceof Error ? error.message : String(error));
  }
}

function startCuda(): NativeStatus {
  const load = (path: string) => void Deno.dlopen(path, {});
  const cuda = cudaKernels({ asked: Deno.env.get("BCSSL_CUDA"), load });
  register(cuda.kernels);
  return cuda.status;
}

function register(all: readonly tf.KernelConfig[]): void {
  all.forEach((kernel) => tf.registerKernel(kernel));
  registered = all;
}

function inactive(reason: string): NativeStatus {
  return { active: false, reason, bf16: false };
}

function missing(reason: string): NativeStatus {
  return { ...inactive(reason), missing: true };
}

/** The reason that rules native kernels out before a library is looked for. */
function whyNot(): string | undefined {
  if (Deno.env.get("BCSSL_NATIVE") === "off") return "plain ops: BCSSL_NATIVE is off";
  const { backend, device } = tf.engine();
  return backend === "tensorflow" && (device === "CPU" || device === "GPU")
    ? undefined
    : `plain ops: computing on ${backend} ${device}`;
}

/**
 * Loads the library. Its operations enter TensorFlow's registry, which keeps pointers to them, so
 * the library is never unloaded. From then on the allocator keeps freed memory for later tensors.
 *
 * @returns Whether this CPU can multiply bf16.
 * @throws {TypeError} If the system cannot load the file.
 */
function load(path: string): boolean {
  const { symbols } = Deno.dlopen(path, {
    bcssl_keep_memory: { parameters: [], result: "void" },
    bcssl_has_bf16: { parameters: [], result: "bool" },
  });
  symbols.bcssl_keep_memory();
  return symbols.bcssl_has_bf16();
}
