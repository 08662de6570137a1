/** The kernels for NVIDIA GPUs: which of them are in use. */
import type * as tf from "lib/tf.ts";
import { kernels } from "lib/native/_kernels.ts";
import type { NativeStatus } from "lib/native/_status.ts";
import { cudaIsChecked, cudaLibrary } from "lib/native/cuda_library.ts";
import { mixedProductKernel } from "lib/native/mixed_product.ts";

/** What may be in use on a GPU, and what of it is. */
export interface CudaKernels {
  readonly status: NativeStatus;
  readonly kernels: readonly tf.KernelConfig[];
}

/** The operations that the library has. */
export const cudaOperations = ["Depthwise", "DepthwiseGradInput", "DepthwiseGradWeight"] as const;

const off = "off until `deno task gpu:check` has passed on this machine";

/**
 * The kernels to register: depthwise convolutions, where they were compiled, and products in bf16.
 * Everything else is done by TensorFlow's own operations.
 *
 * @param options.asked `BCSSL_CUDA`: `on`, as the check itself sets it, or `off`; by default they are
 *   in use if the check has passed.
 * @param options.load Loads the library into TensorFlow.
 * @throws {RangeError} If `asked` is something else.
 */
export function cudaKernels(
  { asked, checked = cudaIsChecked(), library = cudaLibrary(), load }: {
    readonly asked: string | undefined;
    readonly checked?: boolean;
    readonly library?: string | undefined;
    readonly load: (path: string) => void;
  },
): CudaKernels {
  if (asked !== undefined && asked !== "on" && asked !== "off") {
    throw new RangeError(`Cannot use BCSSL_CUDA "${asked}": unset it, or set on or off`);
  }
  if (asked === "off") return none("plain ops: BCSSL_CUDA is off");
  if (asked === undefined && !checked) return none(`plain ops: CUDA kernels and bf16 are ${off}`);
  if (library === undefined) {
    const reason = "plain ops, and products in bf16: no depthwise kernels compiled by nvcc";
    return { status: { active: false, reason, bf16: true }, kernels: [mixedProductKernel] };
  }
  load(library);
  const names: readonly string[] = cudaOperations.map((name) => `bcssl/${name}`);
  return {
    status: { active: true, reason: "CUDA kernels in use for depthwise convolutions", bf16: true },
    kernels: [
      mixedProductKernel,
      ...kernels.filter(({ kernelName }) => names.includes(kernelName)),
    ],
  };
}

function none(reason: string): CudaKernels {
  return { status: { active: false, reason, bf16: false }, kernels: [] };
}
