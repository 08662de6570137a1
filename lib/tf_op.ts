/**
 * Calls any TensorFlow op by its name: ops that tfjs does not have, ops that tfjs calls slowly, and
 * our own kernels.
 */
import * as tf from "./tf.ts";

/**
 * The value of an op's attribute, with its type in TensorFlow's registry. {@linkcode attr} makes
 * it.
 */
export interface Attr {
  readonly type: "STRING" | "INT" | "FLOAT" | "BOOL" | "TYPE" | "SHAPE";
  readonly value: string | number | boolean | readonly number[] | readonly boolean[];
}

/** Element types that an attribute can name. */
export type OpDataType = "float32" | "int32" | "bool" | "string" | "complex64";

/**
 * Makes attributes, by type: `{ T: attr.type("float32"), strides: attr.int([1, 1, 1, 1]) }`.
 */
export const attr = {
  string: (value: string): Attr => ({ type: "STRING", value }),
  /** One integer, or a list. */
  int: (value: number | readonly number[]): Attr => ({ type: "INT", value }),
  float: (value: number | readonly number[]): Attr => ({ type: "FLOAT", value }),
  bool: (value: boolean | readonly boolean[]): Attr => ({ type: "BOOL", value }),
  type: (value: OpDataType): Attr => ({ type: "TYPE", value }),
  shape: (value: readonly number[]): Attr => ({ type: "SHAPE", value }),
} as const;

/**
 * The attributes of a call in tfjs-node's own form. Ops that run at every step prepare them once.
 */
export interface PreparedAttrs {
  readonly list: readonly {
    readonly name: string;
    readonly type: number;
    readonly value: unknown;
  }[];
}

export type Attrs = Readonly<Record<string, Attr>> | PreparedAttrs;

/** The parts of tfjs-node's backend that this file uses. */
interface OpBackend {
  readonly binding: Readonly<Record<string, number>>;
  executeSingleOutput(name: string, attrs: unknown, inputs: readonly tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attrs: unknown,
    inputs: readonly tf.Tensor[],
    count: number,
  ): tf.Tensor[];
}

/** Whether ops can be called by name, which only the engine TensorFlow allows. */
export function hasTensorFlowOps(): boolean {
  return tf.engine().backend === "tensorflow";
}

/**
 * Prepares the attributes of a call.
 *
 * @throws {Error} If the engine is not TensorFlow.
 */
export function prepareAttrs(attrs: Attrs): PreparedAttrs {
  if (isPrepared(attrs)) return attrs;
  const { binding } = backend("prepare attributes");
  const list = Object.entries(attrs).map(([name, { type, value }]) => ({
    name,
    type: binding[`TF_ATTR_${type}`]!,
    value: type === "TYPE" ? binding[dataTypes[value as OpDataType]]! : value,
  }));
  return { list };
}

const dataTypes = {
  float32: "TF_FLOAT",
  int32: "TF_INT32",
  bool: "TF_BOOL",
  string: "TF_STRING",
  complex64: "TF_COMPLEX64",
} as const satisfies Record<OpDataType, string>;

/**
 * Runs an op of one output. `tf.grad` does not see the op: wrap the call in `tf.customGrad`.
 *
 * @param inputs In the order of the op's definition; the caller keeps them.
 * @returns The output; the caller (or the enclosing `tidy`) owns it.
 * @throws {Error} If the engine is not TensorFlow, or if TensorFlow refuses the call; the message
 * gives its reason.
 */
export function tfOp<T extends tf.Tensor = tf.Tensor>(
  name: string,
  inputs: readonly tf.Tensor[],
  attrs: Attrs = {},
): T {
  const { list } = prepareAttrs(attrs);
  return backend(`run ${name}`).executeSingleOutput(name, list, inputs) as T;
}

/** Runs an op of `count` outputs; see {@linkcode tfOp}. */
export function tfOpOutputs(
  name: string,
  inputs: readonly tf.Tensor[],
  attrs: Attrs,
  count: number,
): tf.Tensor[] {
  const { list } = prepareAttrs(attrs);
  return backend(`run ${name}`).executeMultipleOutputs(name, list, inputs, count);
}

/** Number of ops that ran, in all and by name; the most frequent name comes first. */
export interface OpCounts {
  readonly total: number;
  readonly byName: ReadonlyMap<string, number>;
}

/**
 * Runs `body` and counts the TensorFlow ops it calls, tfjs's and ours. Other engines count none.
 */
export function countOps(body: () => void): OpCounts {
  const counts = new Map<string, number>();
  if (!hasTensorFlowOps()) {
    body();
    return { total: 0, byName: counts };
  }
  const counted = backend("count ops") as { -readonly [K in keyof OpBackend]: OpBackend[K] };
  const { executeSingleOutput, executeMultipleOutputs } = counted;
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  counted.executeSingleOutput = (name, ...rest) => {
    count(name);
    return executeSingleOutput.call(counted, name, ...rest);
  };
  counted.executeMultipleOutputs = (name, ...rest) => {
    count(name);
    return executeMultipleOutputs.call(counted, name, ...rest);
  };
  try {
    body();
  } finally {
    Object.assign(counted, { executeSingleOutput, executeMultipleOutputs });
  }
  const total = counts.values().reduce((sum, n) => sum + n, 0);
  return { total, byName: new Map([...counts].sort(([, a], [, b]) => b - a)) };
}

function backend(attempt: string): OpBackend {
  if (!hasTensorFlowOps()) {
    throw new Error(
      `Cannot ${attempt}: the engine is ${tf.engine().backend}; ` +
        `run "deno task setup" to get TensorFlow`,
    );
  }
  return tf.backend() as unknown as OpBackend;
}

function isPrepared(attrs: Attrs): attrs is PreparedAttrs {
  return Array.isArray((attrs as PreparedAttrs).list);
}
