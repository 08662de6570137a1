/**
 * The native operations as tfjs kernels, `bcssl/Gelu` and so on. A kernel takes its inputs as an
 * array.
 */
import type * as tf from "lib/tf.ts";
import { attr, prepareAttrs, type PreparedAttrs, tfOpOutputs } from "lib/tf_op.ts";
import { isList, type Signature, signatures } from "lib/native/signatures.ts";

/** The kernels to register for the backend `tensorflow`. */
export const kernels: readonly tf.KernelConfig[] = Object.entries(signatures)
  .map(([name, signature]) => ({
    kernelName: `bcssl/${name}`,
    backendName: "tensorflow",
    kernelFunc: kernelOf(name, signature),
  }));

/**
 * The function that calls an operation. A step of training calls some three hundred, most of them
 * with the same few attributes as at every step, so these are prepared once.
 */
function kernelOf(name: string, { inputs, outputs, attributes }: Signature): tf.KernelFunc {
  const [listsIn, listsOut] = [inputs, outputs].map((names) => names.filter(isList).length);
  const prepared = new Map<string, PreparedAttrs>();
  return ({ inputs: tensors, attrs }) => {
    const given = tensors as unknown as readonly tf.Tensor[];
    const values = attrs as Readonly<Record<string, number>>;
    // The length of its lists, which share the inputs that are no single tensors.
    const length = listsIn === 0 ? undefined : (given.length - inputs.length + listsIn!) / listsIn!;
    const count = outputs.length + (length === undefined ? 0 : listsOut! * (length - 1));
    const key = `${length},${Object.entries(values)}`;
    let list = prepared.get(key);
    if (list === undefined) {
      list = prepareAttrs({
        ...attributesOf(name, attributes, values),
        ...(length !== undefined && { N: attr.int(length) }),
      });
      prepared.set(key, list);
    }
    return tfOpOutputs(`Bcssl${name}`, given, list, count);
  };
}

/** @throws {TypeError} If an attribute is missing, or is not one of the operation's. */
function attributesOf(
  name: string,
  types: Signature["attributes"],
  values: Readonly<Record<string, number>>,
) {
  const own = Object.entries(types);
  if (own.length !== Object.keys(values).length || own.some(([key]) => !(key in values))) {
    const list = (record: object) => Object.keys(record).join(", ") || "none";
    throw new TypeError(
      `Cannot run ${name}: its attributes are ${list(types)}; given are ${list(values)}`,
    );
  }
  return Object.fromEntries(own.map(([key, type]) => [key, attr[type](values[key]!)]));
}
