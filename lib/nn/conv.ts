/** Convolutions on NHWC maps, padded as in PyTorch. */
import * as tf from "lib/tf.ts";
import { reportCost } from "lib/nn/cost.ts";
import { fused, hasFamily, hasFused } from "lib/nn/fused.ts";
import { constant, truncNormal } from "lib/nn/init.ts";
import { checkKernelSize } from "lib/nn/kernel_size.ts";
import { laidOut } from "lib/nn/layout.ts";
import { matrixProduct, type Precision } from "lib/nn/linear.ts";
import { relu } from "lib/nn/relu.ts";
import type { Rng } from "lib/rng.ts";

/** PyTorch's `nn.Conv2d`; the weight is `[kh, kw, in, out]` instead of `[out, in, kh, kw]`. */
export interface Conv2dParams {
  readonly weight: tf.Variable<tf.Rank.R4>;
  readonly bias?: tf.Variable<tf.Rank.R1>; // [out]
}

/**
 * A depthwise convolution; the weight is `[kh, kw, C, 1]` instead of `[C, 1, kh, kw]`. BC-SSL's has
 * no bias.
 */
export interface DepthwiseConv2dParams {
  readonly weight: tf.Variable<tf.Rank.R4>;
  readonly bias?: tf.Variable<tf.Rank.R1>; // [C]
}

/** Pixels per side, or height and width. */
export type KernelSize = number | readonly [number, number];

/** Draws the initial values of a weight. */
export type Initializer = (
  shape: [number, number, number, number],
  rng: Rng,
) => tf.Variable<tf.Rank.R4>;

export interface ConvOptions {
  /** Whether there is one, of zeros at first. By default there is. */
  readonly bias?: boolean;
  /** By default `trunc_normal_(std = 0.02)`. */
  readonly init?: Initializer;
}

/** The initial weights of a convolution. */
export function createConv2d(
  size: KernelSize,
  inDim: number,
  outDim: number,
  rng: Rng,
  { bias = true, init = truncNormal }: ConvOptions = {},
): Conv2dParams {
  const [height, width] = bothSides(size);
  const weight = laidOut("conv", init([height, width, inDim, outDim], rng.fork("weight")));
  return bias ? { weight, bias: constant<tf.Rank.R1>([outDim], 0) } : { weight };
}

/**
 * The initial weights of a depthwise convolution.
 *
 * @throws {RangeError} If the kernel has no centre.
 */
export function createDepthwiseConv2d(
  size: KernelSize,
  channels: number,
  rng: Rng,
  { bias = true, init = truncNormal }: ConvOptions = {},
): DepthwiseConv2dParams {
  const [height, width] = bothSides(size);
  checkKernelSize("Cannot centre a depthwise kernel", size);
  const weight = laidOut("depthwise", init([height, width, channels, 1], rng.fork("weight")));
  return bias ? { weight, bias: constant<tf.Rank.R1>([channels], 0) } : { weight };
}

function bothSides(size: KernelSize): readonly [number, number] {
  return typeof size === "number" ? [size, size] : size;
}

export interface Conv2dOptions {
  /** Pixels from one output to the next. */
  readonly stride?: number;
  /**
   * Rows and columns of zeros on each side; by default `⌊k/2⌋`, which keeps the size at stride 1.
   */
  readonly padding?: number;
  /**
   * Precision of the products, where there is a native kernel for it. The gradients at a stride above
   * 1, and that of the weight of a kernel above 1×1, are in fp32 even then. By default, fp32.
   */
  readonly precision?: Precision;
  /** Whether negative results become 0. By default, they do not. */
  readonly relu?: boolean;
}

/**
 * A convolution with as many zeros on either side.
 *
 * @param x `[B, H, W, in]`
 * @returns `[B, H', W', out]` with `H' = ⌊(H + 2·padding − kh) / stride⌋ + 1`.
 */
export function conv2d(
  x: tf.Tensor4D,
  params: Conv2dValues,
  options: Conv2dOptions = {},
): tf.Tensor4D {
  const { weight, bias } = params;
  const rounds = options.precision === "bf16" && hasFused("RoundedConv");
  return tf.tidy(() => {
    const y = rounds
      ? roundedConv2d(options)(...(bias ? [x, weight, bias] : [x, weight])) as tf.Tensor4D
      : plainConv2d(x, params, options);
    const [kh, kw, inDim] = weight.shape;
    const multiplyAdds = y.size * kh * kw * inDim;
    reportCost({ kind: "conv", multiplyAdds, weight: weight as tf.Variable });
    return y;
  });
}

/** Weights that need not be variables, such as folded ones. */
export interface Conv2dValues {
  readonly weight: tf.Tensor4D;
  readonly bias?: tf.Tensor1D;
}

function plainConv2d(
  x: tf.Tensor4D,
  { weight, bias }: Conv2dValues,
  { stride = 1, padding, relu: rectified }: Conv2dOptions,
): tf.Tensor4D {
  const [kh, kw] = weight.shape;
  const [padded, mode] = pad(x, [kh, kw], stride, padding);
  const product = tf.conv2d(padded, weight, stride, mode);
  const y = bias ? product.add<tf.Tensor4D>(bias) : product;
  return rectified ? relu(y) : y;
}

/**
 * The native convolution in bf16 with its gradient, a function of map, weight and, if there is one,
 * bias.
 */
function roundedConv2d(options: Conv2dOptions): (...inputs: tf.Tensor[]) => tf.Tensor {
  const { relu: rectified = false } = options;
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[];
    const value = rounded(inputs, { ...placeOf(inputs[1]!, options), relu: Number(rectified) });
    save([...inputs, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, weight] = saved as [tf.Tensor4D, tf.Tensor4D];
        const dz = rectified ? dy.mul<tf.Tensor4D>(saved.at(-1)!.greater(0)) : dy as tf.Tensor4D;
        const grads = roundedGrads(x, weight, dz, options);
        return inputs.length > 2 ? [...grads, dz.sum([0, 1, 2])] : grads;
      },
    };
  });
}

/** Where a kernel is put on the map. */
interface Place extends Readonly<Record<string, number>> {
  readonly stride: number;
  readonly padY: number;
  readonly padX: number;
}

function placeOf(weight: tf.Tensor, { stride = 1, padding }: Conv2dOptions): Place {
  const [padY, padX] = weight.shape.slice(0, 2).map((side) => padding ?? side >> 1);
  return { stride, padY: padY!, padX: padX! };
}

function rounded(inputs: readonly tf.Tensor[], constants: Place): tf.Tensor {
  return fused("RoundedConv", inputs, { relu: 0, ...constants })![0]!;
}

/**
 * The gradients of map and weight, with products in bf16 where a native kernel computes them: both
 * of a linear layer for each pixel, and that of the map at stride 1. TensorFlow's kernels compute the
 * others, in fp32.
 */
function roundedGrads(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  dy: tf.Tensor4D,
  options: Conv2dOptions,
): tf.Tensor[] {
  const [kh, kw] = weight.shape;
  const { stride, padY, padX } = placeOf(weight, options);
  const isLinear = kh * kw * stride === 1 && padY + padX === 0;
  if (isLinear && hasFamily("linear")) {
    return ["LinearGradInput", "LinearGradWeight"].map((kernel) =>
      fused(kernel, [dy, x, weight], { bf16: 1 })![0]!
    );
  }
  const [padded, mode] = pad(x, [kh, kw], stride, options.padding);
  const how = { strides: stride, pad: mode };
  const ofWeight = convGrad("Conv2DBackpropFilter", { x: padded, dy }, {
    ...how,
    filterShape: weight.shape,
  });
  if (stride === 1 && padY < kh && padX < kw) {
    const turned = weight.reverse([0, 1]).transpose([0, 1, 3, 2]);
    const place = { stride, padY: kh - 1 - padY, padX: kw - 1 - padX };
    return [rounded([dy, turned], place), ofWeight];
  }
  const ofPadded = convGrad("Conv2DBackpropInput", { dy, filter: weight }, {
    ...how,
    inputShape: padded.shape,
  });
  const ofMap = padded === x ? ofPadded : ofPadded.slice([0, padY, padX, 0], x.shape);
  return [ofMap, ofWeight];
}

/** A gradient by TensorFlow, in fp32. */
function convGrad(kernel: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor {
  const all = { ...attributes, dataFormat: "NHWC" } as unknown as tf.NamedAttrMap;
  return tf.tfjsEngine().runKernel<tf.Tensor>(kernel, inputs, all);
}

/**
 * The input and the mode that make TensorFlow pad as PyTorch. `same` does so if the kernel is
 * centred and the stride is 1; otherwise TensorFlow pads one side more than the other, so the zeros
 * are added here.
 */
function pad(
  x: tf.Tensor4D,
  [kh, kw]: readonly [number, number],
  stride: number,
  padding?: number,
): [tf.Tensor4D, "same" | "valid"] {
  const [ph, pw] = padding === undefined ? [kh >> 1, kw >> 1] : [padding, padding];
  if (ph === 0 && pw === 0) return [x, "valid"];
  if (stride === 1 && kh === 2 * ph + 1 && kw === 2 * pw + 1) return [x, "same"];
  return [tf.pad(x, [[0, 0], [ph, ph], [pw, pw], [0, 0]]), "valid"];
}

/**
 * Non-overlapping patches: a convolution whose stride is its size, without padding (ConvNeXt's stem
 * and downsampling).
 *
 * Computed as a matrix product on the rearranged patches: three times as fast here as a general
 * strided convolution, whose gradient scatters.
 *
 * @param x `[B, H, W, in]`; rows and columns that fill no patch are dropped, as PyTorch does.
 * @returns `[B, ⌊H/k⌋, ⌊W/k⌋, out]`
 */
export function patchConv2d(x: tf.Tensor4D, { weight, bias }: Conv2dParams): tf.Tensor4D {
  const [k, , , outDim] = weight.shape;
  return tf.tidy(() => {
    const patches = (hasFamily("patches") ? fusedPatches : plainPatches)(x, k); // [B, rows, columns, k·k·in]
    reportCost({ kind: "conv", multiplyAdds: patches.size * outDim, weight });
    return matrixProduct(patches, weight, bias) as tf.Tensor4D;
  });
}

function plainPatches(x: tf.Tensor4D, k: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = [Math.floor(height / k), Math.floor(width / k)];
  const whole = rows * k === height && columns * k === width
    ? x
    : x.slice([0, 0, 0, 0], [batch, rows * k, columns * k, channels]);
  return whole.reshape([batch * rows, k, columns, k * channels])
    .transpose([0, 2, 1, 3]).reshape([batch, rows, columns, k * k * channels]);
}

function fusedPatches(x: tf.Tensor4D, k: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  const op = tf.customGrad((x) => ({
    value: fused("Patches", [x as tf.Tensor], { size: k })![0]!,
    gradFunc: (dy: tf.Tensor) => fused("PatchesGrad", [dy], { size: k, height, width })![0]!,
  }));
  return op(x) as tf.Tensor4D;
}

/**
 * A depthwise convolution: one filter per channel, with half a kernel of zeros on each side.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, ⌈H/stride⌉, ⌈W/stride⌉, C]`
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  { weight, bias }: DepthwiseConv2dParams,
  { stride = 1 }: Pick<Conv2dOptions, "stride"> = {},
): tf.Tensor4D {
  const [kh, kw] = weight.shape;
  return tf.tidy(() => {
    const inputs = bias ? [x, weight, bias] : [x, weight];
    const y = hasFamily("depthwise") && stride <= 2
      ? fusedDepthwise(stride)(...inputs) as tf.Tensor4D
      : plainDepthwise(x, { weight, bias }, stride);
    reportCost({
      kind: "depthwise",
      multiplyAdds: y.size * kh * kw,
      weight,
    });
    return y;
  });
}

function plainDepthwise(
  x: tf.Tensor4D,
  { weight, bias }: DepthwiseConv2dParams,
  stride: number,
): tf.Tensor4D {
  const [kh, kw] = weight.shape;
  const [padded, mode] = pad(x, [kh, kw], stride);
  const y = tf.depthwiseConv2d(padded, weight as tf.Tensor4D, stride, mode);
  return bias ? y.add(bias) : y;
}

/**
 * The native convolution with its gradient, a function of map, weight and, if there is one, bias.
 */
function fusedDepthwise(stride: number): (...inputs: tf.Tensor[]) => tf.Tensor {
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[];
    save(inputs);
    return {
      value: fused("Depthwise", inputs, { stride })![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
        ...fused("DepthwiseGradInput", [dy, ...saved.slice(0, 2)], { stride })!,
        ...fused("DepthwiseGradWeight", [dy, ...saved], { stride })!,
      ],
    };
  });
}
