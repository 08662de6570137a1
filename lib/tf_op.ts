/**
 * Calls any TensorFlow op by its name: ops that tfjs does not wrap or wraps slowly, and our own.
 */
import * as tf from "lib/tf.ts";

/**
 * The value of an op's attribute with its type in TensorFlow's registry. Made by {@linkcode attr}.
 */
export interface Attr {
  readonly type: "STRING" | "INT" | "FLOAT" | "BOOL" | "TYPE" | "SHAPE";
  readonly value: string | number | boolean | readonly number[] | readonly boolean[];
}

/** Element types of tensors, as attributes. */
export type OpDataType = "float32" | "int32" | "bool" | "string" | "complex64";

/**
 * Makes attributes: `{ T: attr.type("float32"), strides: attr.int([1, 1, 1, 1]), padding:
 * attr.string("SAME") }`.
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

/** The attributes of a call in the binding's own form, for ops that are called at every step. */
export interface PreparedAttrs {
  readonly list: readonly {
    readonly name: string;
    readonly type: number;
    readonly value: unknown;
  }[];
}

export type Attrs = Readonly<Record<string, Attr>> | PreparedAttrs;

/** The part of tfjs-node's backend that is used here. */
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

/** Whether ops can be called by name, which only TensorFlow's backend allows. */
export function hasTensorFlowOps(): boolean {
  return tf.getBackend() === "tensorflow";
}

/**
 * Converts attributes to the binding's own form.
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
 * Runs an op of one output. `tf.grad` does not see it: wrap it in `tf.customGrad`.
 *
 * @param inputs Borrowed, in the order of the op's definition.
 * @returns Owned by the caller (or the enclosing `tidy`).
 * @throws {Error} If the engine is not TensorFlow, or TensorFlow refuses the call; the message has
 *   its reason.
 */
export function tfOp<T extends tf.Tensor = tf.Tensor>(
  name: string,
  inputs: readonly tf.Tensor[],
  attrs: Attrs = {},
): T {
  const { list } = prepareAttrs(attrs);
  return backend(`run ${name}`).executeSingleOutput(name, list, inputs) as T;
}

/** Like {@linkcode tfOp}, for an op of `count` outputs. */
export function tfOpOutputs(
  name: string,
  inputs: readonly tf.Tensor[],
  attrs: Attrs,
  count: number,
): tf.Tensor[] {
  const { list } = prepareAttrs(attrs);
  return backend(`run ${name}`).executeMultipleOutputs(name, list, inputs, count);
}

/** The number of ops that ran, in all and of each name, most frequent first. */
export interface OpCounts {
  readonly total: number;
  readonly byName: ReadonlyMap<string, number>;
}

/**
 * Runs `body` and counts the TensorFlow ops it calls, tfjs's and ours; with another engine it
 * counts none.
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
      `Cannot ${attempt}: the engine is ${tf.engine().backend}; run "deno task setup" to get TensorFlow`,
    );
  }
  return tf.backend() as unknown as OpBackend;
}

function isPrepared(attrs: Attrs): attrs is PreparedAttrs {
  return Array.isArray((attrs as PreparedAttrs).list);
}
