/** A computation that the GPU and the CPU do alike, to be compared. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";

/** The parts of the check, in their order. */
export const parts = ["layers", "operations", "models", "training"] as const;
export type Part = typeof parts[number];

/** Small sizes are for a GPU in software; full ones are those of the paper's networks. */
export type Sizes = "small" | "full";

/** Tensors by what they are. */
export type CaseTensors = Readonly<Record<string, tf.Tensor>>;

/** One computation. It gives the same on every backend, but for the last digits. */
export interface CheckCase {
  readonly part: Part;
  readonly name: string;
  /** The operations of lib/native/signatures.ts that it runs, where the backend has them. */
  readonly kernels?: readonly string[];
  /** The largest difference allowed, as a share of the largest number. */
  readonly tolerance: number;
  /** Computes; the caller owns the tensors. */
  compute(): CaseTensors | Promise<CaseTensors>;
}

/** Normally distributed numbers, the same on every backend. */
export function randomTensor<R extends tf.Rank>(
  shape: readonly number[],
  seed: number,
  { mean = 0, std = 1 }: { readonly mean?: number; readonly std?: number } = {},
): tf.Tensor<R> {
  const rng = createRng(seed).fork("values");
  const size = tf.util.sizeFromShape([...shape]);
  const values = Float32Array.from({ length: size }, () => rng.normal(mean, std));
  return tf.tensor(values, [...shape] as tf.ShapeMap[R], "float32");
}

/** A function of tensors. */
export type TensorFunction = (...args: tf.Tensor[]) => tf.Tensor;

/** What a function gives, and its gradients by all arguments for a random cotangent. */
export function valueAndGradients(f: TensorFunction, args: readonly tf.Tensor[]): CaseTensors {
  const value = f(...args);
  const grads = tf.grads(f)([...args], randomTensor(value.shape, 99));
  return {
    value,
    ...Object.fromEntries(grads.map((grad, i) => [`gradient ${i + 1}`, grad])),
  };
}

/** A case of a function with gradients by all its arguments. */
export function gradientCase(
  about: Pick<CheckCase, "part" | "name"> & Partial<Pick<CheckCase, "kernels" | "tolerance">>,
  f: TensorFunction,
  args: () => readonly tf.Tensor[],
): CheckCase {
  return {
    tolerance: 1e-4,
    ...about,
    compute: () => tf.tidy(() => ({ ...valueAndGradients(f, args()) })) as CaseTensors,
  };
}
