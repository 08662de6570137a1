/**
 * A large depthwise kernel as a sum of branches, each a depthwise convolution and a BatchNorm, as
 * RepLKNet and SLaK train one.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type DepthwiseConv2dParams, type Initializer, type KernelSize } from "lib/nn/conv.ts";
import {
  createDepthwiseBn,
  depthwiseBn,
  type DepthwiseBnParams,
  foldDepthwiseBn,
} from "lib/nn/conv_bn.ts";
import { laidOut } from "lib/nn/layout.ts";
import type { BatchNormMode } from "lib/nn/norms.ts";

/** The initial weights of the branches, for `channels` channels. */
export function createBranches<Name extends string>(
  sizes: Readonly<Record<Name, KernelSize>>,
  channels: number,
  rng: Rng,
  options: { readonly init?: Initializer } = {},
): Record<Name, DepthwiseBnParams> {
  const branches = Object.entries<KernelSize>(sizes).map(([name, size]) =>
    [name, createDepthwiseBn(size, channels, rng.fork(name), options)] as const
  );
  return Object.fromEntries(branches) as Record<Name, DepthwiseBnParams>;
}

/**
 * The sum of the branches' outputs.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H, W, C]`
 */
export function sumBranches(
  x: tf.Tensor4D,
  branches: Readonly<Record<string, DepthwiseBnParams>>,
  mode: BatchNormMode,
): tf.Tensor4D {
  return tf.tidy(() =>
    Object.values(branches).map((branch) => depthwiseBn(x, branch, mode))
      .reduce((sum, y) => sum.add(y))
  );
}

/**
 * Merges the branches into the one convolution with a bias that they compute in evaluation: each is
 * folded with its BatchNorm, smaller kernels are padded with zeros, and all are added (Ding et al.
 * 2022, §3.3).
 *
 * @returns New variables, owned by the caller.
 */
export function mergeBranches(
  branches: Readonly<Record<string, DepthwiseBnParams>>,
): DepthwiseConv2dParams {
  return tf.tidy(() => {
    const folded = Object.values(branches).map(foldDepthwiseBn);
    const [height, width] = [0, 1].map((axis) =>
      Math.max(...folded.map(({ kernel }) => kernel.shape[axis]!))
    );
    const kernels = folded.map(({ kernel }) => centred(kernel, height!, width!));
    const weight = tf.variable(tf.addN(kernels) as tf.Tensor4D);
    const bias = tf.variable(tf.addN(folded.map(({ bias }) => bias)) as tf.Tensor1D);
    return { weight: laidOut("depthwise", weight), bias };
  });
}

/** A kernel in the middle of zeros, `[height, width, C, 1]`. */
function centred(kernel: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [rows, columns] = [(height - kernel.shape[0]) / 2, (width - kernel.shape[1]) / 2];
  return tf.pad(kernel, [[rows, rows], [columns, columns], [0, 0], [0, 0]]);
}
