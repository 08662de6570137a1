/**
 * Loads the engine that computes. All other code imports `tf` from this file only.
 *
 * The engine is TensorFlow through `@tensorflow/tfjs-node-gpu`, which uses a GPU if its
 * libtensorflow finds one. Where that library cannot be loaded, the engine is Deno's own WebGPU.
 * Without either, the import throws an error that says what to do.
 */
import { createRequire } from "node:module";
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";

// declares the methods of tensors, such as x.add(y), for the type check
import type {} from "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.d.ts";

export * from "@tensorflow/tfjs-core";
// tfjs's own engine, which records gradients; `engine` below describes the library that computes
export { engine as tfjsEngine } from "@tensorflow/tfjs-core";

/** The library and the device that compute. */
export interface Engine {
  readonly backend: "tensorflow" | "webgpu";
  /** `CPU`, `GPU`, or WebGPU's name of its device. */
  readonly device: string;
  /** Number of threads of TensorFlow's CPU kernels; 0 for WebGPU. */
  readonly threads: number;
  /** Versions by name: `tfjs`, and `tensorflow` if that is the engine. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The parts of tfjs-node's backend that this file uses. */
interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const require = createRequire(import.meta.url);
const current = await load();

/** Returns the engine of this process. */
export function engine(): Engine {
  return current;
}

async function load(): Promise<Engine> {
  // "webgpu" tries the fallback where TensorFlow is installed; "tensorflow" refuses the fallback
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
  // set before the library loads, or its banner would stand in every notebook
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // tfjs 4.22 calls a function that Node 23 and Deno no longer have
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

async function loadWebGpu(): Promise<Engine> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("no adapter on this machine");
  const fromTfjsNode = createRequire(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  // adds the methods of tensors, such as x.add(y); importing tfjs-core alone does not
  fromTfjsNode("@tensorflow/tfjs");
  require("@tensorflow/tfjs-backend-webgpu");
  if (!await tf.setBackend("webgpu")) throw new Error("the backend did not start");
  await tf.ready();
  const { description, vendor } = adapter.info;
  return {
    backend: "webgpu",
    device: description || vendor || "unnamed device",
    threads: 0,
    versions: { tfjs: tf.version_core },
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.trim();
}
