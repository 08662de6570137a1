/**
 * A whole block of ConvNeXt or BC-SSL as one differentiable operation of three native kernels
 * forward and three backward: in a small network calls take longer than arithmetic. Inside the
 * block, only the output of the depthwise convolution is kept for the backward pass.
 *
 * B batch, H W map, C channels, k side of the kernel.
 */
import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import type { DepthwiseConv2dParams } from "lib/nn/conv.ts";
import { reportCost } from "lib/nn/cost.ts";
import { fused } from "lib/nn/fused.ts";
import {
  batchNormDefaults,
  type BatchNormParams,
  inputGradientOfAll,
  momentsOfAll,
} from "lib/nn/norms.ts";
import {
  pointwiseConstants,
  type PointwiseLayers,
  type PointwiseOptions,
  pointwiseWeights,
  reportPointwiseCost,
} from "lib/nn/pointwise.ts";

/** The weights of a block. */
export interface FusedBlock extends PointwiseLayers {
  readonly dwconv: DepthwiseConv2dParams; // [k, k, C, 1]
  readonly bn?: BatchNormParams; // [C]
}

type Inputs = readonly tf.Tensor[];

export interface FusedBlockOptions extends PointwiseOptions {
  /** The processes that share the batch, for BatchNorm. By default, this process alone. */
  readonly world?: World;
}

/**
 * Runs the block in training. A BatchNorm uses the batch's statistics and moves the running ones.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H, W, C]`
 */
export function fusedConvNeXtBlock(
  x: tf.Tensor4D,
  block: FusedBlock,
  { keep, world = alone, ...options }: FusedBlockOptions,
): tf.Tensor4D {
  const constants = pointwiseConstants(options);
  const { dwconv, bn } = block;
  const convolution: Inputs = dwconv.bias ? [dwconv.weight, dwconv.bias] : [dwconv.weight];
  const norm: Inputs = bn ? [bn.weight, bn.bias] : [];
  report(x, block);
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const [x, ...weights] = args.slice(0, -1) as [tf.Tensor, ...tf.Tensor[]];
    const [c, n, layers] = groups(weights, convolution.length, norm.length);
    const y = fused("Depthwise", [x, ...c], { stride: 1 })![0]!;
    const moments = bn ? batchMoments(y, bn, world) : [];
    const factors = tf.tensor1d(keep);
    save([x, y, factors, ...moments, ...weights]);
    return {
      value: fused("Pointwise", [y, x, ...layers, factors, ...moments, ...n], constants)![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, y, factors, ...rest] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
        const count = bn ? 2 : 0; // the batch's mean and rstd
        const moments = rest.slice(0, count);
        const [c, n, layers] = groups(rest.slice(count), convolution.length, norm.length);
        const through = [dy, y, ...layers, factors, ...moments, ...n];
        const [d, ...grads] = fused("PointwiseGrad", through, constants)! as [
          tf.Tensor,
          ...tf.Tensor[],
        ];
        const ofLayers = grads.slice(0, layers.length), ofNorm = grads.slice(layers.length);
        const norms = [d, y, ...moments, n[0]!, ...ofNorm];
        const dconv = bn && world.size > 1 ? inputGradientOfAll(norms, world) : d;
        return [
          ...fused("DepthwiseGradInput", [dconv, x, c[0]!, dy], { stride: 1 })!,
          ...fused("DepthwiseGradWeight", [dconv, x, ...c], { stride: 1 })!,
          ...ofNorm,
          ...ofLayers,
        ];
      },
    };
  });
  return tf.tidy(() => op(x, ...convolution, ...norm, ...pointwiseWeights(block)) as tf.Tensor4D);
}

/**
 * Splits weights into those of the convolution, of the BatchNorm, and of the layers of each pixel.
 */
function groups(weights: Inputs, convolution: number, norm: number): [Inputs, Inputs, Inputs] {
  const all = convolution + norm;
  return [weights.slice(0, convolution), weights.slice(convolution, all), weights.slice(all)];
}

/** Mean and 1/√(σ² + eps) of each channel; moves the running statistics. */
function batchMoments(y: tf.Tensor, bn: BatchNormParams, world: World): tf.Tensor[] {
  if (world.size > 1) return momentsOfAll(y, bn, batchNormDefaults, world);
  const { running_mean, running_var } = bn;
  const inputs = [y, running_mean, running_var];
  const [mean, rstd, newMean, newVariance] = fused("BatchMoments", inputs, batchNormDefaults)!;
  running_mean.assign(newMean as tf.Tensor1D);
  running_var.assign(newVariance as tf.Tensor1D);
  return [mean!, rstd!];
}

function report(x: tf.Tensor, block: FusedBlock): void {
  const { weight } = block.dwconv;
  const [kh, kw] = weight.shape;
  reportCost({ kind: "depthwise", multiplyAdds: x.size * kh * kw, weight });
  reportPointwiseCost(x, block);
}
