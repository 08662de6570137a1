/** The GPU, or the driver in software, that WebGPU computes on, and tfjs's backend for it. */
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import { quietDrivers } from "lib/tf_device.ts";
import { mendKernels } from "lib/tf_mends.ts";

const require = createRequire(import.meta.url);

/** Whether the name of a device is that of a GPU in software, which computes on the CPU. */
export function isSoftware(device: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(device);
}

/**
 * Asks for WebGPU's adapter: of several the fast one, as tfjs's backend does.
 *
 * @returns `undefined` if this machine has none.
 */
export async function requestAdapter(): Promise<GPUAdapter | undefined> {
  quietDrivers();
  return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ??
    undefined;
}

/**
 * Starts tfjs's WebGPU backend, its kernels mended, and makes it the one in use.
 *
 * @returns The device that it computes on.
 * @throws {Error} If it does not start.
 */
export async function startWebGpu(): Promise<GPUDevice> {
  require("@tensorflow/tfjs-backend-webgpu");
  if (!await tf.setBackend("webgpu")) throw new Error("the backend did not start");
  mendKernels();
  return (tf.backend() as unknown as { readonly device: GPUDevice }).device;
}

/**
 * Moves a tensor that was just made of numbers to the device, if that is WebGPU's. tfjs moves it
 * when a shader first reads it, and until then computes on the CPU what is small, with other last
 * digits: a network that was loaded would not compute what the same network did as it was trained.
 */
export function moveToDevice({ dataId }: tf.TensorInfo): void {
  if (tf.getBackend() !== "webgpu") return;
  (tf.backend() as unknown as { uploadToGPU(id: object): void }).uploadToGPU(dataId);
}
