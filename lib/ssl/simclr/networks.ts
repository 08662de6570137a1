/** SimCLR's network. B images, D features, P the length of a projection. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer, truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createBatchNorm } from "lib/nn/norms.ts";
import type { ForwardOptions, ModelConfig } from "lib/models/mod.ts";
import { mlpHead, mlpHeadCost, type MlpHeadParams, type MlpSizes } from "lib/ssl/method/heads.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import { createNetwork, featuresOf, type Network } from "lib/ssl/method/network.ts";
import type { SimclrHeadConfig } from "./recipe.ts";

/** A backbone with a projection head. */
export type SimclrNetwork = Network<{ readonly projector: MlpHeadParams }>;

export function createSimclrNetwork(
  model: ModelConfig,
  head: SimclrHeadConfig,
  rng: Rng,
): SimclrNetwork {
  return createNetwork(model, (featureDim, rng) => ({
    projector: createProjector(sizesOf(featureDim, head), rng.fork("projector")),
  }), rng);
}

function sizesOf(featureDim: number, { layers, outDim }: SimclrHeadConfig): MlpSizes {
  return [featureDim, ...Array.from({ length: layers - 1 }, () => featureDim), outDim];
}

/**
 * The head of the official code. Linear layers have no bias and weights from a Gaussian of standard
 * deviation 0.01. A BatchNorm follows each, also the last, which has a scale but no offset. There
 * is a ReLU between layers.
 */
function createProjector(sizes: MlpSizes, rng: Rng): MlpHeadParams {
  return sizes.slice(1).flatMap((to, i) => {
    const isLast = i === sizes.length - 2;
    const number = 3 * i; // as in PyTorch's `Sequential`
    const weight = truncNormal<tf.Rank.R2>([sizes[i]!, to], rng.fork(number), 0.01);
    const norm = createBatchNorm(to);
    if (!isLast) return [{ weight: laidOut("linear", weight) }, norm, null];
    norm.bias.dispose();
    // The offset is a buffer of zeros, so that PyTorch's BatchNorm can load the layer.
    const withoutOffset = { ...norm, bias: buffer<tf.Rank.R1>([to], 0) };
    return [{ weight: laidOut("linear", weight) }, withoutOffset];
  });
}

/** The output of the network for views. */
export interface Projected {
  readonly features: tf.Tensor2D; // [n, D]
  readonly projections: tf.Tensor2D; // [n, P]
}

/** @param views `[n, G, G, 3]`; they share the batch statistics of every BatchNorm. */
export function project(
  { model, params }: SimclrNetwork,
  views: tf.Tensor4D,
  options: ForwardOptions,
): Projected {
  const features = featuresOf(model, [views], options);
  return { features, projections: mlpHead(features, params.projector, options) };
}

/** Multiply–adds of the head for one view. */
export function simclrHeadCost(featureDim: number, head: SimclrHeadConfig): HeadCost {
  return { onTape: mlpHeadCost(sizesOf(featureDim, head)) };
}
