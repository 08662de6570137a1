/** The operations of `src/*ops.cc` as tfjs kernels. Inputs come as an array in the operation's own order. */
import type * as tf from "lib/tf.ts";
import { attr, type Attrs, tfOpOutputs } from "lib/tf_op.ts";

/** How many tensors an operation returns, given its inputs; list operations also say how long their lists are. */
interface Operation {
  readonly outputs: (inputs: number) => number;
  readonly listLength?: (inputs: number) => number;
}

const returns = (count: number): Operation => ({ outputs: () => count });

/** An operation on `lists` lists of equal length and `others` more inputs. */
function onLists(
  lists: number,
  others: number,
  outputs: (length: number) => number,
): Operation {
  const listLength = (inputs: number) => (inputs - others) / lists;
  return { outputs: (inputs) => outputs(listLength(inputs)), listLength };
}

const operations: Readonly<Record<string, Operation>> = {
  Gelu: returns(1),
  GeluGrad: returns(1),
  Linear: onLists(1, 2, () => 1), // a list of no or one bias
  LinearGradInput: returns(1),
  LinearGradWeight: onLists(1, 3, (length) => 1 + length),
  LayerNorm: returns(3),
  LayerNormGrad: returns(3),
  Affine: returns(1),
  BatchNorm: returns(5),
  BatchNormGrad: returns(3),
  BiasGelu: returns(1),
  BiasGeluGrad: returns(2),
  L2Normalize: returns(2),
  L2NormalizeGrad: returns(1),
  PrototypeScales: returns(2),
  PrototypeGrad: returns(2),
  DinoTeacher: returns(3),
  DinoLoss: returns(3),
  DinoLossGrad: returns(2),
  BatchMoments: returns(4),
  Pointwise: onLists(4, 10, () => 1), // lists of no or one BatchNorm's mean, rstd, weight and bias
  PointwiseGrad: onLists(4, 10, (length) => 8 + 2 * length),
  ScaledResidual: returns(1),
  ScaledResidualGrad: returns(3),
  Depthwise: onLists(1, 2, () => 1), // a list of no or one bias
  DepthwiseGradInput: onLists(1, 3, () => 1), // a list of no or one map to add
  DepthwiseGradWeight: onLists(1, 3, (length) => 1 + length),
  Softmax: onLists(1, 1, () => 1), // a list of no or one bias
  SoftmaxGrad: onLists(1, 2, (length) => 1 + length),
  Patches: returns(1),
  PatchesGrad: returns(1),
  RoiAlign: returns(1),
  RoiAlignGrad: returns(1),
  SquaredNorms: onLists(1, 0, () => 1),
  AdamW: onLists(4, 1, (length) => length),
  MovingAverage: onLists(2, 1, (length) => length),
};

/** To register for the backend `tensorflow`: `bcssl/Gelu`, … */
export const kernels: readonly tf.KernelConfig[] = Object.entries(operations)
  .map(([name, { outputs, listLength }]) => ({
    kernelName: `bcssl/${name}`,
    backendName: "tensorflow",
    kernelFunc: ({ inputs, attrs }) => {
      const tensors = inputs as unknown as readonly tf.Tensor[];
      const length = listLength?.(tensors.length);
      const attributes = constants(attrs as Readonly<Record<string, number>>);
      const all = length === undefined ? attributes : { ...attributes, N: attr.int(length) };
      return tfOpOutputs(`Bcssl${name}`, tensors, all, outputs(tensors.length));
    },
  }));

const integers = new Set([
  ...["stride", "height", "width", "bf16"],
  ...["size", "sampling", "aligned"],
]);

/** What TensorFlow is told of each constant: a fraction, but for some. */
function constants(values: Readonly<Record<string, number>>): Attrs {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      integers.has(name) ? attr.int(value) : attr.float(value),
    ]),
  );
}
