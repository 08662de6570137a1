/**
 * Fused kernels in C++ for the CPU, in tfjs's own kernel registry. Importing this module loads and registers them, where
 * there is a compiled library; `lib/nn` and `lib/train` look there (`fused` in lib/nn/fused.ts) and otherwise do the same
 * with plain tensor operations. `BCSSL_NATIVE=off` keeps the plain ones.
 */
import * as tf from "lib/tf.ts";
import { newestLibrary } from "lib/native/_library.ts";
import { kernels } from "lib/native/_kernels.ts";

export { buildNative, type NativeBuild } from "lib/native/build.ts";

/** Whether the native kernels are in use, and if not, why not. */
export interface NativeStatus {
  readonly active: boolean;
  /** One line for a person. */
  readonly reason: string;
  /** Whether `precision: "bf16"` makes a difference: this CPU multiplies bf16. Else it means fp32. */
  readonly bf16: boolean;
}

const status: NativeStatus = start();

/** Whether the native kernels are in use and which, and if not, why not. */
export function nativeStatus(): NativeStatus {
  return status;
}

/** Runs `body` with the plain ops in place of the native kernels: the oracle of tests, the baseline of benchmarks. */
export function withPlainOps<T>(body: () => T): T {
  if (!status.active) return body();
  unregister();
  try {
    return body();
  } finally {
    register();
  }
}

function start(): NativeStatus {
  const obstacle = whyNot();
  if (obstacle !== undefined) return inactive(obstacle);
  try {
    const library = newestLibrary("bcssl");
    if (library === undefined) {
      return inactive("plain ops: no compiled native kernels for this CPU; run `deno task setup`");
    }
    const bf16 = load(library);
    register();
    return { active: true, reason: "native kernels in use", bf16 };
  } catch (error) {
    return inactive(error instanceof Error ? error.message : String(error));
  }
}

function inactive(reason: string): NativeStatus {
  return { active: false, reason, bf16: false };
}

/** What rules native kernels out before a library is looked for. */
function whyNot(): string | undefined {
  if (Deno.env.get("BCSSL_NATIVE") === "off") return "plain ops: BCSSL_NATIVE is off";
  const { backend, device } = tf.engine();
  return backend === "tensorflow" && device === "CPU"
    ? undefined
    : `plain ops: computing on ${backend} ${device}`;
}

/**
 * The library's operations enter TensorFlow's registry as it is loaded. It stays loaded: TensorFlow keeps pointers to it.
 * From then on freed memory is kept for the tensors to come.
 *
 * @returns Whether it multiplies bf16.
 * @throws {TypeError} If the system cannot load it.
 */
function load(path: string): boolean {
  const { symbols } = Deno.dlopen(path, {
    bcssl_keep_memory: { parameters: [], result: "void" },
    bcssl_has_bf16: { parameters: [], result: "bool" },
  });
  symbols.bcssl_keep_memory();
  return symbols.bcssl_has_bf16();
}

function register(): void {
  kernels.forEach((kernel) => tf.registerKernel(kernel));
}

function unregister(): void {
  kernels.forEach(({ kernelName, backendName }) => tf.unregisterKernel(kernelName, backendName));
}
