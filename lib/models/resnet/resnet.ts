/**
 * ResNet (He et al. 2016) in torchvision's form and names, at any width, and SimCLRv2's with
 * selective kernels.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { normedConv2d } from "lib/nn/conv_bn.ts";
import { conv2d, type Conv2dParams, createConv2d, type Initializer } from "lib/nn/conv.ts";
import { kaimingNormal } from "lib/nn/init.ts";
import { createUniformLinear } from "lib/nn/linear.ts";
import { batchNorm, type BatchNormParams, createBatchNorm } from "lib/nn/norms.ts";
import { maxPool } from "lib/nn/pool.ts";
import { relu } from "lib/nn/relu.ts";
import {
  type Backbone,
  type BackboneOutput,
  type Family,
  type ForwardOptions,
  keepOutput,
  tapWithin,
  tokensIf,
} from "lib/models/parts/backbone.ts";
import {
  outputDim,
  type ResNetConfig,
  type ResNetLayer,
  resNetLayers,
  strideOf,
} from "lib/models/resnet/resnet_configs.ts";
import { resNetForm, resNetNames } from "lib/models/resnet/resnet_names.ts";
import {
  deepStem,
  type DeepStemParams,
  selectiveKernel,
  type SelectiveKernelParams,
  shortcutPool,
} from "lib/models/resnet/selective_kernel.ts";
import { resNetConfigFacts } from "./resnet_schema.ts";

/** Weights of one block. */
export interface ResNetBlockParams {
  readonly conv1: Conv2dParams;
  readonly bn1: BatchNormParams;
  readonly conv2: Conv2dParams | SelectiveKernelParams;
  readonly bn2?: BatchNormParams; // a selective kernel has its own
  readonly conv3?: Conv2dParams; // in a bottleneck
  readonly bn3?: BatchNormParams;
  readonly downsample?: ShortcutParams;
}

/** A convolution and its norm, in ResNet-D after the pool. */
type ShortcutParams =
  | { readonly 0: Conv2dParams; readonly 1: BatchNormParams }
  | { readonly 1: Conv2dParams; readonly 2: BatchNormParams };

/** Weights of the backbone; the classifier `fc` is not part of it. */
export interface ResNetParams {
  readonly conv1: Conv2dParams | DeepStemParams;
  readonly bn1: BatchNormParams;
  /** Blocks by number. */
  readonly [layer: `layer${number}`]: Readonly<Record<number, ResNetBlockParams>>;
}

/** ResNet, its wider forms and SimCLRv2's. */
export const resNetFamily: Family<ResNetConfig> = {
  ...resNetConfigFacts,
  create: createResNet,
  stages: (config) =>
    config.dims.map((dim, i) => ({ dim: outputDim(dim, config), stride: 4 * 2 ** i })),
  camLayers: ({ depths }) => depths.map((depth, i) => `layer${i + 1}.${depth - 1}`),
  precisions: ["bf16"],
};

/**
 * Builds the backbone, with torchvision's first values.
 *
 * Differs: SimCLRv2 starts selective kernels by another rule, and each block's last BatchNorm at 0.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths and dims differ in number, or kernels are to be selected in basic
 *   blocks.
 */
function createResNet(config: ResNetConfig, rng: Rng): Backbone {
  const layers = resNetLayers(config).map((layer) =>
    [layer.name, createLayer(layer, rng)] as const
  );
  if (config.zeroInitResidual) zeroLastNorms(layers, config);
  const params = nest(layers) as ResNetParams;
  const featureDim = outputDim(config.dims.at(-1)!, config);
  return {
    params,
    featureDim,
    headName: "fc",
    createHead: (classes, stream) => createUniformLinear(featureDim, classes, stream),
    forward: (x, options) => resNet(x, params, config, options),
    officialNames: resNetNames,
    weightsForm: (format, { head }) => resNetForm(format, config, head),
  };
}

function createLayer(layer: ResNetLayer, rng: Rng): Conv2dParams | BatchNormParams {
  if ("norm" in layer) return createBatchNorm(layer.norm);
  const [size, inDim, outDim] = layer.conv;
  const init: Initializer = (shape, stream) => kaimingNormal(shape, stream, size * size * outDim);
  return createConv2d(size, inDim, outDim, rng.fork(layer.name), { bias: false, init });
}

/** Sets the scale of each block's last norm to 0. */
function zeroLastNorms(
  layers: readonly (readonly [string, { readonly weight: tf.Variable }])[],
  { block }: ResNetConfig,
): void {
  const last = block === "bottleneck" ? /\.bn3$/ : /\.bn2$/;
  for (const [name, { weight }] of layers) {
    if (last.test(name)) tf.tidy(() => weight.assign(tf.zeros(weight.shape)));
  }
}

/** Builds a tree from dotted paths. */
function nest(leaves: readonly (readonly [string, object])[]): object {
  type Node = Record<string, object>;
  const root: Node = {};
  for (const [path, leaf] of leaves) {
    const names = path.split(".");
    const last = names.pop()!;
    let node = root;
    for (const name of names) node = (node[name] ??= {}) as Node;
    node[last] = leaf;
  }
  return root;
}

/** @param x `[B, H, W, 3]`, normalised. */
function resNet(
  x: tf.Tensor4D,
  params: ResNetParams,
  config: ResNetConfig,
  { training, tap, tokens, precision, world }: ForwardOptions,
): BackboneOutput {
  return tf.tidy(() => {
    const see = tap ?? keepOutput;
    const mode = { training, precision, world };
    let y = stem(x, params, { ...mode, tap });
    const stages = config.depths.map((_, i) => {
      const layer = `layer${i + 1}` as const;
      Object.values(params[layer]!).forEach((block, j) => {
        const name = `${layer}.${j}`;
        const options = { ...mode, stride: strideOf(i, j), tap: tapWithin(tap, name) };
        y = see(name, resNetBlock(y, block, options));
      });
      return y = see(layer, y);
    });
    const features = see("avgpool", y.mean<tf.Tensor2D>([1, 2])); // [B, C]
    return { stages, features, ...tokensIf(tokens, () => y) };
  });
}

/** @returns `[B, ⌈H/4⌉, ⌈W/4⌉, C]` */
function stem(
  x: tf.Tensor4D,
  { conv1, bn1 }: ResNetParams,
  { tap, ...mode }: ForwardOptions,
): tf.Tensor4D {
  const see = tap ?? keepOutput;
  const plain = "weight" in conv1;
  let y: tf.Tensor4D;
  if (plain && !tap) y = normedConv2d(x, conv1, bn1, { ...mode, stride: 2, relu: true });
  else {
    y = plain ? conv2d(x, conv1, { stride: 2 }) : deepStem(x, conv1, mode);
    y = relu(see("bn1", batchNorm(see("conv1", y), bn1, mode)));
  }
  return see(
    "maxpool",
    // SimCLRv2's code is in TensorFlow, which pads an even number of rows on the last side only
    plain ? maxPool(y, { size: 3, stride: 2, padding: 1 }) : tf.maxPool(y, 3, 2, "same"),
  );
}

interface BlockOptions extends Pick<ForwardOptions, "training" | "tap" | "precision" | "world"> {
  readonly stride: 1 | 2;
}

/**
 * One residual block, basic or bottleneck.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, C']`
 */
function resNetBlock(
  x: tf.Tensor4D,
  block: ResNetBlockParams,
  options: BlockOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const branch = block.conv3 ? bottleneck(x, block, options) : basic(x, block, options);
    return relu(branch.add<tf.Tensor4D>(shortcut(x, block.downsample, options)));
  });
}

function basic(
  x: tf.Tensor4D,
  { conv1, bn1, conv2, bn2 }: ResNetBlockParams,
  { stride, tap = keepOutput, ...mode }: BlockOptions,
): tf.Tensor4D {
  const y = normedConv2d(x, conv1, bn1, { ...mode, stride, relu: true });
  return tap("bn2", normedConv2d(y, conv2 as Conv2dParams, bn2!, mode));
}

function bottleneck(
  x: tf.Tensor4D,
  { conv1, bn1, conv2, bn2, conv3, bn3 }: ResNetBlockParams,
  { stride, tap = keepOutput, ...mode }: BlockOptions,
): tf.Tensor4D {
  let y = normedConv2d(x, conv1, bn1, { ...mode, relu: true });
  y = "attn" in conv2
    ? selectiveKernel(y, conv2, { ...mode, stride })
    : normedConv2d(y, conv2, bn2!, { ...mode, stride, relu: true });
  return tap("bn3", normedConv2d(y, conv3!, bn3!, mode));
}

/**
 * The shortcut that the branch is added to: `x`, or a 1×1 convolution of it where channels or
 * resolution change.
 */
function shortcut(
  x: tf.Tensor4D,
  downsample: ShortcutParams | undefined,
  { stride, tap = keepOutput, ...mode }: BlockOptions,
): tf.Tensor4D {
  if (!downsample) return x;
  const y = "2" in downsample
    ? normedConv2d(shortcutPool(x, stride), downsample[1], downsample[2], mode)
    : normedConv2d(x, downsample[0], downsample[1], { ...mode, stride });
  return tap("downsample", y);
}
