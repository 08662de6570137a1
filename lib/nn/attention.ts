/**
 * Multi-head self-attention (Vaswani et al. 2017) within groups of tokens; a group is an image of a
 * ViT or a window of a Swin.
 *
 * G groups, N tokens of a group, C channels, h heads.
 */
import * as tf from "lib/tf.ts";
import { reportCost } from "lib/nn/cost.ts";
import { fused, hasFamily } from "lib/nn/fused.ts";
import { createLinear, linear, type LinearParams, type Precision } from "lib/nn/linear.ts";
import type { Rng } from "lib/rng.ts";

export interface AttentionParams {
  /** Queries, keys and values of all heads, one after another. */
  readonly qkv: LinearParams; // [C, 3C]
  readonly proj: LinearParams; // [C, C]
}

/**
 * The initial weights of attention over `dim` channels.
 *
 * @throws {RangeError} If the heads do not share the channels evenly.
 */
export function createAttention(dim: number, numHeads: number, rng: Rng): AttentionParams {
  if (dim % numHeads !== 0) {
    throw new RangeError(`Cannot share ${dim} channels among ${numHeads} heads`);
  }
  return {
    qkv: createLinear(dim, 3 * dim, rng.fork("qkv")),
    proj: createLinear(dim, dim, rng.fork("proj")),
  };
}

/** Weights of attention whose layers may have no bias. */
export type AttentionWeights = Readonly<
  Record<keyof AttentionParams, Pick<LinearParams, "weight"> & Partial<LinearParams>>
>;

export interface AttentionOptions {
  readonly numHeads: number;
  /**
   * Added to the scores before the softmax, `[K, h, N, N]`: group g gets entry g mod K. One entry
   * serves all groups; as many entries as an image has windows give each window its own.
   */
  readonly bias?: tf.Tensor4D;
  /** Of the linear layers; scores and mixtures are always in fp32. By default, fp32. */
  readonly precision?: Precision;
}

/**
 * `softmax(q · kᵀ / √(C/h) + bias) · v` for each head, then the projection.
 *
 * @param x `[G, N, C]`
 * @returns `[G, N, C]`
 */
export function selfAttention(
  x: tf.Tensor3D,
  { qkv, proj }: AttentionWeights,
  { numHeads, bias, precision }: AttentionOptions,
): tf.Tensor3D {
  const multiplyAdds = 2 * x.size * x.shape[1]; // queries times keys, and the result times values
  reportCost({ kind: "attention", multiplyAdds, weight: qkv.weight });
  return tf.tidy(() => {
    const mixed = attention(linear(x, qkv, precision), { numHeads, bias });
    return linear(mixed, proj, precision);
  });
}

/**
 * `softmax(q · kᵀ / √(C/h) + bias) · v` for each head.
 *
 * @param qkv `[G, N, 3C]`: a token's queries of all heads, then its keys, then its values.
 * @returns `[G, N, C]`
 */
export function attention(
  qkv: tf.Tensor3D,
  { numHeads, bias }: Omit<AttentionOptions, "precision">,
): tf.Tensor3D {
  return tf.tidy(() =>
    hasFamily("attention")
      ? fusedAttention(numHeads, bias ? [qkv, bias] : [qkv])
      : composedAttention(qkv, { numHeads, bias })
  );
}

function composedAttention(
  qkv: tf.Tensor3D,
  { numHeads, bias }: Omit<AttentionOptions, "precision">,
): tf.Tensor3D {
  const [groups, tokens, width] = qkv.shape;
  const [channels, headDim] = [width / 3, width / 3 / numHeads];
  const heads = qkv.reshape([groups, tokens, 3, numHeads, headDim])
    .transpose([2, 0, 3, 1, 4]); // [3, G, h, N, C/h], so that unstack takes whole arrays
  const [q, k, v] = tf.unstack(heads) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const scores = tf.matMul<tf.Tensor4D>(q.mul(headDim ** -0.5), k, false, true); // [G, h, N, N]
  const mixed = tf.matMul(attentionSoftmax(scores, bias), v); // [G, h, N, C/h]
  return mixed.transpose([0, 2, 1, 3]).reshape<tf.Tensor3D>([groups, tokens, channels]);
}

/** The native kernel with its gradient, a function of qkv and, if there is one, of the bias. */
function fusedAttention(heads: number, inputs: tf.Tensor[]): tf.Tensor3D {
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const given = args.slice(0, -1) as tf.Tensor[];
    save(given);
    return {
      value: fused("Attention", given, { heads })![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        fused("AttentionGrad", [dy, ...saved], { heads })!,
    };
  });
  return op(...inputs) as tf.Tensor3D;
}

/**
 * `softmax(scores + bias)` over the last axis: the share that each token takes from each other.
 *
 * @param scores `[G, h, N, N]`
 * @param bias `[K, h, N, N]`, where G is a multiple of K; group g gets entry g mod K.
 * @returns `[G, h, N, N]`
 */
export function attentionSoftmax(scores: tf.Tensor4D, bias?: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => (hasFamily("softmax") ? fusedSoftmax : plainSoftmax)(scores, bias));
}

function plainSoftmax(scores: tf.Tensor4D, bias?: tf.Tensor4D): tf.Tensor4D {
  if (!bias) return tf.softmax(scores);
  const cycles = scores.reshape([-1, ...bias.shape]); // [G/K, K, h, N, N]
  return tf.softmax(cycles.add(bias)).reshape<tf.Tensor4D>(scores.shape);
}

function fusedSoftmax(scores: tf.Tensor4D, ...biases: (tf.Tensor4D | undefined)[]): tf.Tensor4D {
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[];
    const y = fused("Softmax", inputs)![0]!;
    save([y, ...inputs.slice(1)]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => fused("SoftmaxGrad", [dy, ...saved])!,
    };
  });
  return op(scores, ...biases.filter((bias) => bias !== undefined)) as tf.Tensor4D;
}
