/**
 * Counts the work that a computation gives the device, without doing it: what can be known of speed
 * on a GPU without having one. Every dispatch costs some microseconds, and every byte has to come
 * from or go to the device's memory.
 */
import * as tf from "lib/tf.ts";

/** Work of one kind. */
export interface Work {
  readonly dispatches: number;
  /** Sizes of all inputs and results: what is moved at least if each number is read once. */
  readonly bytes: number;
}

/** The work of a computation. */
export interface WorkCounts extends Work {
  /** Copies between buffers, which are no dispatches; their bytes are in `bytes` too. */
  readonly copies: number;
  /** Work by the name of the shader, most bytes first; tfjs's are named as their classes. */
  readonly byShader: ReadonlyMap<string, Work>;
}

/** The parts of tfjs's backend that are replaced while it counts. */
interface Replaced {
  runWebGPUProgram: unknown;
  uploadToGPU: unknown;
  ensureCommandEncoderReady: unknown;
  endComputePassEncoder: unknown;
  commandEncoder: unknown;
}

interface CountedBackend extends Replaced {
  readonly tensorMap: { get(id: object): { resource?: unknown; dtype: string; shape: number[] } };
  makeTensorInfo(shape: readonly number[], type: string): tf.TensorInfo;
  endComputePassEncoder: () => void;
  submitQueue(): void;
}

/** The names of a program of tfjs's form. */
interface NamedProgram {
  readonly shaderKey: string;
  readonly outputShape: readonly number[];
}

/**
 * Runs `body` on WebGPU with nothing behind the tensors that it makes: no memory is taken, no shader
 * is compiled, nothing is computed. So it takes any size. What `body` assigns to variables is lost.
 *
 * @throws {Error} If the engine is not WebGPU, or `body` reads a tensor.
 */
export function countWork(body: () => void): WorkCounts {
  if (tf.getBackend() !== "webgpu") {
    throw new Error(
      `Cannot count dispatches: need BCSSL_ENGINE=webgpu, current engine is ${tf.getBackend()}`,
    );
  }
  const backend = tf.backend() as unknown as CountedBackend;
  const counter = new Counter();
  if (backend.commandEncoder) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
  const replaced = replacements(backend, counter);
  Object.assign(backend, replaced);
  try {
    tf.tidy(body);
  } finally {
    for (const name of Object.keys(replaced) as (keyof Replaced)[]) delete backend[name];
    backend.commandEncoder = null;
  }
  return counter.counts();
}

class Counter {
  readonly #byShader = new Map<string, Work>();
  #copies = 0;
  #copied = 0;

  dispatch(name: string, bytes: number): void {
    const { dispatches = 0, bytes: before = 0 } = this.#byShader.get(name) ?? {};
    this.#byShader.set(name, { dispatches: dispatches + 1, bytes: before + bytes });
  }

  copy(bytes: number): void {
    this.#copies++;
    this.#copied += 2 * bytes;
  }

  counts(): WorkCounts {
    const all = [...this.#byShader.values()];
    return {
      dispatches: all.reduce((sum, { dispatches }) => sum + dispatches, 0),
      bytes: this.#copied + all.reduce((sum, { bytes }) => sum + bytes, 0),
      copies: this.#copies,
      byShader: new Map([...this.#byShader].sort(([, a], [, b]) => b.bytes - a.bytes)),
    };
  }
}

function bytesOf({ shape }: { readonly shape: readonly number[] }): number {
  return 4 * tf.util.sizeFromShape([...shape]);
}

function replacements(backend: CountedBackend, counter: Counter): Replaced {
  /** tfjs computes on the CPU what has no buffer and is small. */
  const pretendUpload = (id: object) => {
    backend.tensorMap.get(id).resource ??= {};
  };
  return {
    runWebGPUProgram: (
      program: NamedProgram,
      inputs: readonly tf.TensorInfo[],
      type: string,
      _uniforms: unknown,
      output = backend.makeTensorInfo(program.outputShape, type),
    ) => {
      [...inputs, output].forEach(({ dataId }) => pretendUpload(dataId));
      const sizes = [...inputs, output].map(bytesOf);
      counter.dispatch(nameOf(program), sizes.reduce((sum, size) => sum + size, 0));
      return output;
    },
    uploadToGPU: pretendUpload,
    ensureCommandEncoderReady: () => {},
    endComputePassEncoder: () => {},
    commandEncoder: {
      copyBufferToBuffer: (
        _from: object,
        _at: number,
        _to: object,
        _there: number,
        bytes: number,
      ) => counter.copy(bytes),
    },
  };
}

/** Our shaders by their names, tfjs's by the names of their classes. */
function nameOf(program: NamedProgram): string {
  const { shaderKey } = program;
  if (!shaderKey.startsWith("bcssl_")) return program.constructor.name;
  return shaderKey.replace(/^bcssl_(depthwise_[a-z]+).*/i, "bcssl_$1");
}
