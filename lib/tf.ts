/**
 * The only door to the engine: everything else imports `tf` from here.
 *
 * Loads TensorFlow through `@tensorflow/tfjs-node-gpu` (on the GPU if its libtensorflow sees one); where that library
 * cannot be had, Deno's own WebGPU; where neither exists, throws and says how to mend it.
 */
import { createRequire } from "node:module";
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";

import type {} from "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.d.ts"; // x.add(y) in types

export * from "@tensorflow/tfjs-core";
export { engine as tfjsEngine } from "@tensorflow/tfjs-core"; // its own tape, where `engine` below says what computes

/** What computes. */
export interface Engine {
  readonly backend: "tensorflow" | "webgpu";
  /** `CPU`, `GPU`, or the name WebGPU gives its device. */
  readonly device: string;
  /** Threads TensorFlow's CPU kernels share; 0 for WebGPU. */
  readonly threads: number;
  /** Versions by name: `tfjs`, and `tensorflow` where it computes. */
  readonly versions: Readonly<Record<string, string>>;
}

/** tfjs-node's backend, as far as this door looks into it. */
interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const require = createRequire(import.meta.url);
const current = await load();

/** What this process computes on. */
export function engine(): Engine {
  return current;
}

async function load(): Promise<Engine> {
  // For trying the fallback where TensorFlow is installed, and for refusing it in measurements.
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
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"; // before the library loads: its banner would land in every notebook
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

async function loadWebGpu(): Promise<Engine> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("no adapter on this machine");
  const fromTfjsNode = createRequire(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  fromTfjsNode("@tensorflow/tfjs"); // registers x.add(y) and its kin: the package of our own imports does not
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
