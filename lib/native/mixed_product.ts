/**
 * Matrix products whose factors are rounded to bf16, by TensorFlow's own operations: a GPU has
 * matrix units for them. tfjs knows no bf16 tensors, so what lies between a cast to bf16 and the
 * cast back never becomes one of its tensors.
 */
import * as tf from "lib/tf.ts";

/** Numbers of TensorFlow's types and attributes (tensorflow/c/tf_datatype.h). */
const bfloat16 = 14;

/** The part of tfjs-node's backend that is used here. */
interface RawBackend {
  readonly binding: {
    readonly TF_FLOAT: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    executeOp(name: string, attrs: unknown, inputs: readonly number[], outputs: number): Raw[];
    deleteTensor(id: number): void;
  };
  getInputTensorIds(inputs: readonly tf.TensorInfo[]): number[];
  createOutputTensor(raw: Raw): tf.Tensor;
}

/** A tensor of TensorFlow's that is none of tfjs's. */
interface Raw {
  readonly id: number;
}

/**
 * The product of two matrices with factors rounded to bf16; its sums are kept in fp32 by the device,
 * and rounded to bf16 at their end, as by PyTorch's autocast.
 *
 * @param inputs Two matrices in fp32.
 * @returns Their product, in fp32.
 */
export function mixedMatMul(
  inputs: readonly tf.TensorInfo[],
  { transposeA, transposeB }: { readonly transposeA: boolean; readonly transposeB: boolean },
): tf.Tensor {
  const backend = tf.backend() as unknown as RawBackend;
  const { binding } = backend;
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  const flag = (name: string, value: boolean) => ({ name, type: binding.TF_ATTR_BOOL, value });
  const cast = (id: number, from: number, to: number) =>
    binding.executeOp("Cast", [type("SrcT", from), type("DstT", to), flag("Truncate", false)], [
      id,
    ], 1)[0]!;
  const between: Raw[] = [];
  try {
    for (const id of backend.getInputTensorIds(inputs)) {
      between.push(cast(id, binding.TF_FLOAT, bfloat16));
    }
    const attrs = [
      flag("transpose_a", transposeA),
      flag("transpose_b", transposeB),
      type("T", bfloat16),
    ];
    const [product] = binding.executeOp("MatMul", attrs, between.map(({ id }) => id), 1);
    between.push(product!);
    return backend.createOutputTensor(cast(product!.id, bfloat16, binding.TF_FLOAT));
  } finally {
    for (const { id } of between) binding.deleteTensor(id);
  }
}

/** The product as a kernel of tfjs's, which `lib/nn/linear.ts` asks for. */
export const mixedProductKernel: tf.KernelConfig = {
  kernelName: "bcssl/MixedProduct",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, attrs }) => {
    const { transposeA, transposeB } = attrs as Readonly<Record<string, number>>;
    const matrices = inputs as unknown as readonly tf.TensorInfo[];
    return [mixedMatMul(matrices, { transposeA: transposeA === 1, transposeB: transposeB === 1 })];
  },
};
