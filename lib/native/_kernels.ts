/**
 * The native operations as tfjs kernels, `bcssl/Gelu` and so on. A kernel takes its inputs as an
 * array.
 */
import type * as tf from "lib/tf.ts";
import { attr, type Attrs, tfOpOutputs } from "lib/tf_op.ts";
import { isList, type Signature, signatures } from "lib/native/signatures.ts";

/** The kernels to register for the backend `tensorflow`. */
export const kernels: readonly tf.KernelConfig[] = Object.entries(signatures)
  .map(([name, signature]) => ({
    kernelName: `bcssl/${name}`,
    backendName: "tensorflow",
    kernelFunc: ({ inputs, attrs }) => {
      const tensors = inputs as unknown as readonly tf.Tensor[];
      const length = listLength(signature, tensors.length);
      const values = attributes(name, signature, attrs as Readonly<Record<string, number>>);
      const all = length === undefined ? values : { ...values, N: attr.int(length) };
      return tfOpOutputs(`Bcssl${name}`, tensors, all, outputCount(signature, length));
    },
  }));

/**
 * The length of an operation's lists, which share the inputs that are no single tensors; undefined
 * without lists.
 */
function listLength({ inputs }: Signature, tensors: number): number | undefined {
  const lists = inputs.filter(isList).length;
  return lists === 0 ? undefined : (tensors - (inputs.length - lists)) / lists;
}

function outputCount({ outputs }: Signature, length = 0): number {
  return outputs.reduce((count, name) => count + (isList(name) ? length : 1), 0);
}

/** @throws {TypeError} If an attribute is missing, or is not one of the operation's. */
function attributes(
  name: string,
  { attributes: types }: Signature,
  values: Readonly<Record<string, number>>,
): Attrs {
  const own = Object.entries(types);
  if (own.length !== Object.keys(values).length || own.some(([key]) => !(key in values))) {
    const list = (record: object) => Object.keys(record).join(", ") || "none";
    throw new TypeError(
      `Cannot run ${name}: its attributes are ${list(types)}; given are ${list(values)}`,
    );
  }
  return Object.fromEntries(own.map(([key, type]) => [key, attr[type](values[key]!)]));
}
