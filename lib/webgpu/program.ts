/**
 * Runs compute shaders of our own by tfjs's WebGPU backend: its buffers, its cache of pipelines, its
 * queue of commands. A shader writes one tensor; where an operation has several small results, one
 * shader writes them one after the other and {@linkcode split} copies them apart.
 */
import * as tf from "lib/tf.ts";

/** A shader in WGSL. Its `main` finds the inputs and `result` as arrays of `f32`. */
export interface Shader {
  /** Names the code: two shaders of a name must have the same code, since the pipeline is kept. */
  readonly name: string;
  /** The names of the inputs in the code. */
  readonly inputs: readonly string[];
  /**
   * The constants of a call, which the code reads as `uniforms.name`: `["rows", "eps: f32"]`.
   * Without a type they are `i32`.
   */
  readonly uniforms: readonly string[];
  /** Threads of a workgroup, at most 256. */
  readonly threads: number;
  /** WGSL with a function `main()`; it knows `localIndex`, `workgroupId`, `numWorkgroups`. */
  readonly code: string;
}

/** One call of a shader. */
export interface Call {
  /** Shape of the result. */
  readonly shape: readonly number[];
  /** Number of workgroups by axis, each at most {@linkcode mostGroups}. */
  readonly groups: readonly [number, number?, number?];
  /** The values of the shader's uniforms, in their order. */
  readonly uniforms: readonly number[];
  /** A tensor to write to instead of a new one; the shader may also read it as `result`. */
  readonly into?: tf.TensorInfo;
}

/** The largest number of workgroups along one axis that every device accepts. */
export const mostGroups = 65535;

/** What is used here of tfjs's backend; the types that it publishes hide some of it. */
interface WebGpuBackend {
  readonly tensorMap: { get(id: object): { values: unknown; resource: GPUBuffer } };
  readonly commandQueueOwnedIds: WeakSet<object>;
  readonly commandEncoder: GPUCommandEncoder;
  makeTensorInfo(shape: number[], type: "float32" | "int32", values?: Int32Array): tf.TensorInfo;
  uploadToGPU(id: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  disposeData(id: object): boolean;
  runWebGPUProgram(
    program: Program,
    inputs: readonly tf.TensorInfo[],
    type: "float32",
    uniforms: readonly { readonly type: string; readonly data: number[] }[],
    output: tf.TensorInfo,
  ): tf.TensorInfo;
}

/** The interface `WebGPUProgram` of tfjs. */
interface Program {
  readonly variableNames: string[];
  readonly outputShape: number[];
  readonly shaderKey: string;
  readonly workgroupSize: [number, number, number];
  /** That it names an axis `y` makes tfjs call `main` without an index. */
  readonly dispatchLayout: { readonly x: number[]; readonly y: number[] };
  readonly dispatch: number[];
  readonly uniforms: string;
  getUserCode(): string;
}

function backend(): WebGpuBackend {
  return tf.backend() as unknown as WebGpuBackend;
}

/**
 * Runs a shader. To it, all tensors are flat.
 *
 * @returns The result, to be given to {@linkcode tensors} or to {@linkcode release}.
 */
export function run(
  shader: Shader,
  inputs: readonly tf.TensorInfo[],
  { shape, groups, uniforms, into }: Call,
): tf.TensorInfo {
  const output = into ?? backend().makeTensorInfo([...shape], "float32");
  backend().runWebGPUProgram(
    program(shader, tf.util.sizeFromShape(output.shape), groups),
    inputs.map(flat),
    "float32",
    shader.uniforms.map((name, i) => ({
      type: name.endsWith(": f32") ? "float32" : "int32",
      data: [uniforms[i]!],
    })),
    flat(output),
  );
  // A value that was read back before the tensor was written to is out of date.
  if (into) backend().tensorMap.get(into.dataId).values = null;
  return output;
}

function program(
  { name, inputs, uniforms, threads, code }: Shader,
  size: number,
  groups: Call["groups"],
): Program {
  const [x, y = 1, z = 1] = groups;
  return {
    variableNames: [...inputs],
    outputShape: [size],
    shaderKey: `bcssl_${name}`,
    workgroupSize: [threads, 1, 1],
    dispatchLayout: { x: [], y: [0] },
    dispatch: [x, y, z],
    uniforms: uniforms.map((it) => it.includes(":") ? `${it}, ` : `${it}: i32, `).join(""),
    getUserCode: () => code,
  };
}

function flat({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo {
  return { dataId, shape: [tf.util.sizeFromShape(shape)], dtype };
}

/** Frees a result that is not handed on. */
export function release(...infos: readonly tf.TensorInfo[]): void {
  for (const { dataId } of infos) backend().disposeData(dataId);
}

/** Makes tfjs's tensors of results; the caller of the kernel owns them. */
export function tensors(...infos: readonly tf.TensorInfo[]): tf.Tensor[] {
  return infos.map((info) => tf.tfjsEngine().makeTensorFromTensorInfo(info));
}

/** A tensor of integers, to be read by a shader as `i32`. */
export function integers(values: readonly number[]): tf.TensorInfo {
  return backend().makeTensorInfo([values.length], "int32", Int32Array.from(values));
}

/** A new tensor, whose values are undefined until they are written. */
export function allocate(shape: readonly number[]): tf.TensorInfo {
  const info = backend().makeTensorInfo([...shape], "float32");
  backend().uploadToGPU(info.dataId);
  return info;
}

/** A part of a tensor: `count` numbers from `offset` on. */
export interface Range {
  readonly tensor: tf.TensorInfo;
  readonly offset: number;
}

/** Copies `count` numbers on the device. A copy is no dispatch: the device's copy engine does it. */
export function copy(from: Range, to: Range, count: number): void {
  if (count === 0) return;
  const [source, target] = [from, to].map(({ tensor: { dataId } }) => {
    backend().uploadToGPU(dataId);
    backend().commandQueueOwnedIds.add(dataId);
    return backend().tensorMap.get(dataId).resource;
  }) as [GPUBuffer, GPUBuffer];
  backend().ensureCommandEncoderReady();
  backend().endComputePassEncoder();
  backend().commandEncoder.copyBufferToBuffer(
    source,
    from.offset * 4,
    target,
    to.offset * 4,
    count * 4,
  );
  backend().tensorMap.get(to.tensor.dataId).values = null;
}

/** Copies a tensor apart into tensors of these shapes, in their order, and frees it. */
export function split(
  packed: tf.TensorInfo,
  shapes: readonly (readonly number[])[],
): tf.TensorInfo[] {
  if (shapes.length === 1) return [{ ...packed, shape: [...shapes[0]!] }]; // the same numbers
  let offset = 0;
  const parts = shapes.map((shape) => {
    const part = allocate(shape);
    const count = tf.util.sizeFromShape([...shape]);
    copy({ tensor: packed, offset }, { tensor: part, offset: 0 }, count);
    offset += count;
    return part;
  });
  release(packed);
  return parts;
}

/** The number of numbers in a tensor. */
export function sizeOf({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape);
}

/** The product of all axes but the last, and the last. */
export function rowsOf(info: tf.TensorInfo): { readonly rows: number; readonly columns: number } {
  const columns = info.shape.at(-1) ?? 1;
  return { rows: columns === 0 ? 0 : sizeOf(info) / columns, columns };
}
