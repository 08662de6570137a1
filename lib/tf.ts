/**
 * The engine that computes: all other files import `tf` from here.
 *
 * Loads TensorFlow through `@tensorflow/tfjs-node-gpu`, which uses a GPU if its libtensorflow finds
 * one. Where that library is missing, it loads Deno's WebGPU. Where neither exists, it throws an
 * error that says what to do.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { setImmediate } from "node:timers";
import * as tf from "@tensorflow/tfjs-core";
import { isSoftware, requestAdapter, startWebGpu } from "lib/tf_adapter.ts";
import { reportDeviceErrors } from "lib/tf_device.ts";

import type {} from "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.d.ts"; // x.add(y) in types

export * from "@tensorflow/tfjs-core";
export { engine as tfjsEngine } from "@tensorflow/tfjs-core"; // tfjs's engine; `engine` below describes the backend

/** A tensor of two axes: `[rows, columns]`. */
export type Tensor2D = ReturnType<typeof import("@tensorflow/tfjs-core")["tensor2d"]>;

/** A tensor of three axes: `[B, N, C]` are images, their tokens, and channels. */
export type Tensor3D = ReturnType<typeof import("@tensorflow/tfjs-core")["tensor3d"]>;

/** A tensor of four axes: `[B, H, W, C]` are images, height, width and channels. */
export type Tensor4D = ReturnType<typeof import("@tensorflow/tfjs-core")["tensor4d"]>;

/** A tensor of any number of axes: `tf.Tensor`, under a name that documented types can refer to. */
export type AnyTensor = ReturnType<typeof import("@tensorflow/tfjs-core")["tensor"]>;

/** A description of the backend that computes. */
export interface Engine {
  readonly backend: "tensorflow" | "webgpu";
  /** `CPU`, `GPU`, or WebGPU's name of the device. */
  readonly device: string;
  /** Threads of TensorFlow's CPU kernels; 0 for WebGPU. */
  readonly threads: number;
  /** Versions by name: `tfjs`, and `tensorflow` where it computes. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The part of tfjs-node's backend that is used here. */
interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const require = createRequire(import.meta.url);
/** The error of a GPU that was lost. */
let lost: Error | undefined;
/** Settles when the GPU is lost; absent where there is none. */
let whenLost: Promise<void> | undefined;
const current = await load();

/** The backend of this process. */
export function engine(): Engine {
  return current;
}

/**
 * What has been run on such an engine before, in words, for people who use it; `undefined` on a CPU
 * with TensorFlow, where every test runs.
 */
export function triedOn(
  { backend, device }: Pick<Engine, "backend" | "device">,
): string | undefined {
  if (backend === "tensorflow") {
    return device === "GPU" ? "not tried on a GPU yet: see `deno task gpu:check`" : undefined;
  }
  return isSoftware(device)
    ? "a GPU in software: the fast tests run on Mesa's by `deno task test --engine webgpu`"
    : "tried on a GPU in software only, not on a real one yet: see `deno task gpu:check`";
}

async function load(): Promise<Engine> {
  // BCSSL_ENGINE is for trying WebGPU where TensorFlow is installed, and for measurements, which
  // must not fall back.
  const only = process.env.BCSSL_ENGINE;
  if (only !== undefined && only !== "tensorflow" && only !== "webgpu") {
    throw new RangeError(
      `Cannot load an engine: BCSSL_ENGINE is "${only}"; unset it, or set tensorflow or webgpu`,
    );
  }
  const causes: string[] = [];
  if (only !== "webgpu") {
    try {
      return loadTensorFlow();
    } catch (error) {
      if (error instanceof RangeError) throw error; // a setting, which another engine would hide
      causes.push(`TensorFlow: ${firstLine(error)}`);
    }
  }
  if (only !== "tensorflow") {
    try {
      const engine = await loadWebGpu();
      const why = causes[0] ?? "asked for by BCSSL_ENGINE";
      console.error(`Computing on WebGPU (${engine.device}), slower than TensorFlow. ${why}`);
      return engine;
    } catch (error) {
      causes.push(`WebGPU: ${firstLine(error)}`);
    }
  }
  throw new Error(`Cannot load an engine: run "deno task setup" (${causes.join("; ")})`);
}

function loadTensorFlow(): Engine {
  prepareTensorFlow();
  // tfjs 4.22 calls a function that Node 23 and Deno removed.
  require("node:util").isNullOrUndefined ??= (value: unknown) =>
    value === null || value === undefined;
  require("@tensorflow/tfjs-node-gpu");
  const { isUsingGpuDevice, binding } = tf.backend() as unknown as TensorFlowBackend;
  return {
    backend: "tensorflow",
    device: isUsingGpuDevice ? "GPU" : "CPU",
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || navigator.hardwareConcurrency,
    versions: { tfjs: tf.version_core, tensorflow: binding.TF_Version },
  };
}

/**
 * Sets what TensorFlow reads when its library loads. Variables that are set already stay.
 *
 * @throws {RangeError} If `BCSSL_GPU` is no number.
 */
function prepareTensorFlow(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"; // its banner would land in every notebook
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true"; // else it takes a GPU's whole memory at once
  const gpu = process.env.BCSSL_GPU;
  if (gpu === undefined) return;
  if (!/^\d+$/.test(gpu)) {
    throw new RangeError(
      `Cannot use BCSSL_GPU "${gpu}": need the number of one GPU, as nvidia-smi counts them`,
    );
  }
  process.env.CUDA_DEVICE_ORDER ??= "PCI_BUS_ID"; // nvidia-smi's order
  process.env.CUDA_VISIBLE_DEVICES ??= gpu;
}

async function loadWebGpu(): Promise<Engine> {
  const adapter = await requestAdapter();
  if (!adapter) throw new Error("no adapter on this machine");
  const fromTfjsNode = createRequire(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  fromTfjsNode("@tensorflow/tfjs"); // registers x.add(y) and other chained operations, which @tensorflow/tfjs-core does not
  reportDeviceErrors(await startWebGpu());
  const { description, vendor } = adapter.info;
  const device = description || vendor || "unnamed device";
  refuseReadsAtOnce(tf.backend() as unknown as WebGpuBackend);
  refuseReadsOfLost(tf.backend() as unknown as WebGpuBackend, device);
  return {
    backend: "webgpu",
    device,
    threads: 0,
    versions: { tfjs: tf.version_core },
  };
}

/** The part of tfjs's WebGPU backend that is used here. */
interface WebGpuBackend {
  readonly device: {
    readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  };
  readonly tensorMap: { get(id: object): { readonly values?: unknown } };
  read(id: object): Promise<unknown>;
  readSync(id: object): unknown;
}

/**
 * Makes reads at once say why they fail, unless the values are known without the GPU. tfjs would
 * draw on a canvas, which Deno has not, and complain about that.
 */
function refuseReadsAtOnce(backend: WebGpuBackend): void {
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (id) => {
    if (backend.tensorMap.get(id).values != null) return readSync(id);
    throw new Error("Cannot read a tensor at once on WebGPU: `await tensor.data()` instead");
  };
}

/**
 * Makes reads fail once the GPU is lost: after a reset of the driver, or when it is unplugged. Until
 * then a read may wait forever, or return numbers that are no longer computed.
 */
function refuseReadsOfLost(backend: WebGpuBackend, name: string): void {
  const waiting = new Set<(error: Error) => void>();
  whenLost = backend.device.lost.then(({ reason, message }) => {
    lost = new Error(
      `Lost the GPU (${name}; ${reason}: ${message}): nothing can be computed in this process any ` +
        "more; start it again, and a run goes on from its last checkpoint",
    );
    for (const refuse of waiting) refuse(lost);
  });
  const read = backend.read.bind(backend);
  backend.read = (id) =>
    new Promise((resolve, reject) => {
      const settle = async () => {
        const values = await read(id);
        await untilTold();
        if (lost !== undefined) throw lost;
        return values;
      };
      waiting.add(reject);
      settle().then(resolve, (error) => reject(lost ?? error)).finally(() =>
        waiting.delete(reject)
      );
    });
}

/** Waits until a loss would be known: it is told of between macrotasks. */
function untilTold(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Milliseconds in which a loss becomes known; it took 27 where it was tried. */
const lossIsKnownWithin = 1000;

/**
 * The reason of an error: if the GPU was lost, the error that says so, else the error itself. A call
 * of a lost GPU may throw anything, before the loss is known.
 */
export async function reasonOf(error: unknown): Promise<unknown> {
  if (whenLost === undefined) return error;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((done) => timer = setTimeout(done, lossIsKnownWithin));
  await Promise.race([whenLost, timeout]);
  clearTimeout(timer);
  return lost ?? error;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.trim();
}
