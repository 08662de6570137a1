/**
 * RepLKNet (Ding et al. 2022): kernels of up to 31×31. A small kernel is trained beside each, and
 * merged into it afterwards. Weight names are those of the official checkpoints.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import {
  createDepthwiseConv2d,
  depthwiseConv2d,
  type DepthwiseConv2dParams,
  type Initializer,
} from "lib/nn/conv.ts";
import {
  convBn,
  type ConvBnParams,
  createConvBn,
  createDepthwiseBn,
  depthwiseBn,
  type DepthwiseBnParams,
} from "lib/nn/conv_bn.ts";
import { dropPath } from "lib/nn/drop_path.ts";
import { gelu } from "lib/nn/gelu.ts";
import { kaimingUniform } from "lib/nn/init.ts";
import { createUniformLinear, type LinearParams } from "lib/nn/linear.ts";
import { laidOut, layoutOf } from "lib/nn/layout.ts";
import {
  batchNorm,
  type BatchNormMode,
  type BatchNormParams,
  createBatchNorm,
} from "lib/nn/norms.ts";
import { relu } from "lib/nn/relu.ts";
import {
  type Backbone,
  type BackboneOutput,
  dropPathRates,
  type Family,
  type ForwardOptions,
  keepOutput,
  type Merged,
  tapWithin,
  tokensIf,
} from "lib/models/parts/backbone.ts";
import { createBranches, mergeBranches, sumBranches } from "lib/models/parts/large_kernel.ts";
import type { RepLKNetConfig } from "lib/models/replknet/replknet_configs.ts";
import { repLKNetConfigFacts } from "./replknet_schema.ts";

/** Weights of a block that mixes pixels. */
export interface RepLKBlockParams {
  readonly prelkb_bn: BatchNormParams; // [C]
  readonly pw1: ConvBnParams; // [1, 1, C, C]
  readonly large_kernel: TrainedKernel | MergedKernel;
  readonly pw2: ConvBnParams; // [1, 1, C, C]
}

interface TrainedKernel {
  readonly lkb_origin: DepthwiseBnParams; // [k, k, C, 1]
  readonly small_conv: DepthwiseBnParams; // [5, 5, C, 1]
}

interface MergedKernel {
  readonly lkb_reparam: DepthwiseConv2dParams; // [k, k, C, 1], with a bias
}

/** Weights of a block that mixes channels. */
export interface ConvFFNParams {
  readonly preffn_bn: BatchNormParams; // [C]
  readonly pw1: ConvBnParams; // [1, 1, C, 4C]
  readonly pw2: ConvBnParams; // [1, 1, 4C, C]
}

/** Weights of the backbone; the classifier `head` is not part of it. */
export interface RepLKNetParams {
  readonly stem: readonly [ConvBnParams, DepthwiseBnParams, ConvBnParams, DepthwiseBnParams];
  /** The two kinds of blocks alternate. */
  readonly stages: readonly { readonly blocks: readonly (RepLKBlockParams | ConvFFNParams)[] }[];
  readonly transitions: readonly (readonly [ConvBnParams, DepthwiseBnParams])[];
  readonly norm: BatchNormParams;
}

/** RepLKNet. */
export const repLKNetFamily: Family<RepLKNetConfig> = {
  ...repLKNetConfigFacts,
  create: createRepLKNet,
  stages: ({ dims }) => dims.map((dim, i) => ({ dim, stride: 4 * 2 ** i })),
  camLayers: ({ depths }) =>
    // each depth counts two blocks
    depths.map((depth, stage) => `stages.${stage}.blocks.${2 * depth - 1}`),
  precisions: [],
  merge,
};

/** Structural re-parameterisation: the form for evaluation, with each pair of kernels in one. */
function merge(params: object, config: RepLKNetConfig): Merged<RepLKNetConfig> | undefined {
  if (config.merged) return undefined;
  const merged = { ...config, merged: true };
  const { head = null, ...backbone } = mergeKernels(params) as RepLKNetParams & {
    readonly head?: LinearParams;
  };
  return { config: merged, backbone: repLKNetOf(backbone, merged), head };
}

/**
 * Builds the backbone, with PyTorch's first values.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths, dims and kernel sizes differ in number, a kernel size is even, or
 *   the small kernel is larger than a large one.
 */
function createRepLKNet(config: RepLKNetConfig, rng: Rng): Backbone {
  const { depths, dims, kernelSizes, smallKernelSize } = config;
  if (depths.length !== dims.length || kernelSizes.length !== dims.length || dims.length === 0) {
    throw new RangeError(
      `Cannot build stages: need as many depths and kernel sizes as dims, ` +
        `current are ${depths.length}, ${kernelSizes.length} and ${dims.length}`,
    );
  }
  if (smallKernelSize > Math.min(...kernelSizes)) {
    throw new RangeError(
      `Cannot merge a small kernel of ${smallKernelSize} into large ones of ${kernelSizes}`,
    );
  }
  return repLKNetOf(createParams(config, rng), config);
}

/** The backbone of given weights. */
function repLKNetOf(params: RepLKNetParams, config: RepLKNetConfig): Backbone {
  const featureDim = config.dims.at(-1)!;
  return {
    params,
    featureDim,
    headName: "head",
    createHead: (classes, stream) => createUniformLinear(featureDim, classes, stream),
    forward: (x, options) => repLKNet(x, params, config, options),
  };
}

const dense: { readonly init: Initializer } = {
  init: ([kh, kw, inDim, outDim], rng) =>
    kaimingUniform([kh, kw, inDim, outDim], rng, kh * kw * inDim),
};
const depthwise: { readonly init: Initializer } = {
  init: ([kh, kw, channels, one], rng) => kaimingUniform([kh, kw, channels, one], rng, kh * kw),
};

function createParams(config: RepLKNetConfig, rng: Rng): RepLKNetParams {
  const { depths, dims } = config;
  const dim = dims[0]!;
  return {
    stem: [
      createConvBn(3, 3, dim, rng.fork("stem.0"), dense),
      createDepthwiseBn(3, dim, rng.fork("stem.1"), depthwise),
      createConvBn(1, dim, dim, rng.fork("stem.2"), dense),
      createDepthwiseBn(3, dim, rng.fork("stem.3"), depthwise),
    ],
    stages: depths.map((depth, i) => ({
      blocks: Array.from({ length: 2 * depth }, (_, j) => {
        const stream = rng.fork(`stages.${i}.blocks.${j}`);
        return j % 2 === 0 ? createRepLKBlock(i, config, stream) : createConvFFN(i, config, stream);
      }),
    })),
    transitions: dims.slice(1).map((dim, i) =>
      [
        createConvBn(1, dims[i]!, dim, rng.fork(`transitions.${i}.0`), dense),
        createDepthwiseBn(3, dim, rng.fork(`transitions.${i}.1`), depthwise),
      ] as const
    ),
    norm: createBatchNorm(dims.at(-1)!),
  };
}

function createRepLKBlock(
  stage: number,
  { dims, kernelSizes, smallKernelSize, merged, branchScaleInit }: RepLKNetConfig,
  rng: Rng,
): RepLKBlockParams {
  const [dim, size] = [dims[stage]!, kernelSizes[stage]!];
  const stream = rng.fork("large_kernel");
  return {
    prelkb_bn: createBatchNorm(dim),
    pw1: createConvBn(1, dim, dim, rng.fork("pw1"), dense),
    large_kernel: merged
      ? { lkb_reparam: createDepthwiseConv2d(size, dim, stream.fork("lkb_reparam"), depthwise) }
      : createBranches({ lkb_origin: size, small_conv: smallKernelSize }, dim, stream, depthwise),
    pw2: createConvBn(1, dim, dim, rng.fork("pw2"), { ...dense, scaleInit: branchScaleInit }),
  };
}

function createConvFFN(
  stage: number,
  { dims, branchScaleInit }: RepLKNetConfig,
  rng: Rng,
): ConvFFNParams {
  const dim = dims[stage]!;
  return {
    preffn_bn: createBatchNorm(dim),
    pw1: createConvBn(1, dim, 4 * dim, rng.fork("pw1"), dense),
    pw2: createConvBn(1, 4 * dim, dim, rng.fork("pw2"), { ...dense, scaleInit: branchScaleInit }),
  };
}

/** @param x `[B, H, W, 3]`, normalised. */
function repLKNet(
  x: tf.Tensor4D,
  params: RepLKNetParams,
  config: RepLKNetConfig,
  { training, rng, tap, tokens, world }: ForwardOptions,
): BackboneOutput {
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const rates = dropPathRates(config.depths, config.dropPathRate);
    const stages: tf.Tensor4D[] = [];
    let y = stem(x, params.stem, { training, tap, world });
    params.stages.forEach(({ blocks }, i) => {
      if (i > 0) {
        y = see(
          `transitions.${i - 1}`,
          transition(y, params.transitions[i - 1]!, { training, world }),
        );
      }
      blocks.forEach((block, j) => {
        const name = `stages.${i}.blocks.${j}`;
        const branch = blockBranch(y, block, { training, world, tap: tapWithin(tap, name) });
        const rate = training ? rates[i]![j >> 1]! : 0;
        y = see(name, y.add(dropPath(branch, rate, rng?.fork(name))));
      });
      stages.push(y = see(`stages.${i}`, y));
    });
    const map = see("norm", batchNorm(y, params.norm, { training, world }));
    const features = see("avgpool", map.mean<tf.Tensor2D>([1, 2])); // [B, C]
    return { stages, features, ...tokensIf(tokens, () => map) };
  });
}

/** @returns `[B, ⌈H/4⌉, ⌈W/4⌉, C]` */
function stem(
  x: tf.Tensor4D,
  layers: RepLKNetParams["stem"],
  { training, world, tap = keepOutput }: ForwardOptions,
): tf.Tensor4D {
  const mode = { training, world };
  let y = tap("stem.0", relu(convBn(x, layers[0], { ...mode, stride: 2 })));
  y = tap("stem.1", relu(depthwiseBn(y, layers[1], mode)));
  y = tap("stem.2", relu(convBn(y, layers[2], mode)));
  return tap("stem.3", relu(depthwiseBn(y, layers[3], { ...mode, stride: 2 })));
}

/** @returns `[B, ⌈H/2⌉, ⌈W/2⌉, C']` */
function transition(
  x: tf.Tensor4D,
  [widen, halve]: RepLKNetParams["transitions"][number],
  mode: BatchNormMode,
): tf.Tensor4D {
  const y = relu(convBn(x, widen, mode));
  return relu(depthwiseBn(y, halve, { ...mode, stride: 2 }));
}

/** The residual branch of a block, `[B, H, W, C]`. */
function blockBranch(
  x: tf.Tensor4D,
  block: RepLKBlockParams | ConvFFNParams,
  options: Pick<ForwardOptions, "training" | "tap" | "world">,
): tf.Tensor4D {
  if ("prelkb_bn" in block) {
    const y = relu(convBn(batchNorm(x, block.prelkb_bn, options), block.pw1, options));
    return convBn(relu(largeKernel(y, block.large_kernel, options)), block.pw2, options);
  }
  const y = convBn(batchNorm(x, block.preffn_bn, options), block.pw1, options); // [B, H, W, 4C]
  return convBn(gelu(y), block.pw2, options);
}

function largeKernel(
  x: tf.Tensor4D,
  kernel: RepLKBlockParams["large_kernel"],
  { training, world, tap = keepOutput }: Pick<ForwardOptions, "training" | "tap" | "world">,
): tf.Tensor4D {
  const y = "lkb_reparam" in kernel
    ? depthwiseConv2d(x, kernel.lkb_reparam)
    : sumBranches(x, { ...kernel }, { training, world });
  return tap("large_kernel", y);
}

/**
 * Copies a tree of weights, with every large kernel and the small one beside it merged, under the
 * official names.
 *
 * @param tree A network's parameters, or a part of them.
 * @returns New variables, owned by the caller.
 */
function mergeKernels(tree: object): object {
  if (tree instanceof tf.Variable) return copyOf(tree);
  if ("lkb_origin" in tree) {
    return { lkb_reparam: mergeBranches(tree as Record<string, DepthwiseBnParams>) };
  }
  if (Array.isArray(tree)) return tree.map(mergeKernels);
  const entries = Object.entries(tree).map(([name, part]) => [name, mergeKernels(part)]);
  return Object.fromEntries(entries);
}

function copyOf(variable: tf.Variable): tf.Variable {
  const copy = tf.tidy(() => tf.variable(variable.clone(), variable.trainable));
  return laidOut(layoutOf(variable), copy);
}
