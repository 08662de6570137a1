/** SimCLR's network. B images, D features, P the length of a projection. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer, truncNormal } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createBatchNorm } from "lib/nn/norms.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import type { ForwardOptions, Model, ModelConfig } from "lib/models/mod.ts";
import { mlpHead, mlpHeadCost, type MlpHeadParams, type MlpSizes } from "lib/ssl/method/heads.ts";
import { type KeptLayers, withKeptLayers } from "lib/ssl/method/kept_layers.ts";
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

/**
 * The first layers of a head, which are evaluated with the backbone in SimCLRv2 (Chen et al. 2020b,
 * §2): what they compute for the loss is nearer to the images than the projections are.
 *
 * @returns `undefined` if none is kept, as in SimCLR.
 */
function keptLayers(
  projector: MlpHeadParams,
  featureDim: number,
  { keptLayers = 0 }: SimclrHeadConfig,
): KeptLayers | undefined {
  if (keptLayers === 0) return undefined;
  const layers = projector.slice(0, 3 * keptLayers); // linear, BatchNorm, ReLU
  return {
    params: { projector: layers },
    featureDim,
    apply: (features, options) => mlpHead(features, layers, options),
  };
}

/** The network that is evaluated: the backbone with the kept layers of its head. */
export function evaluatedModel(
  { model, params }: SimclrNetwork,
  head: SimclrHeadConfig,
): Model {
  const kept = keptLayers(params.projector, model.featureDim, head);
  return kept === undefined ? model : withKeptLayers(model, kept);
}

/**
 * Kept layers with the first weights that they have in a run.
 *
 * @param rng The random stream of the run's first weights.
 */
export function createKeptLayers(
  featureDim: number,
  head: SimclrHeadConfig,
  rng: Rng,
): KeptLayers | undefined {
  const projector = createProjector(sizesOf(featureDim, head), rng.fork("projector"));
  disposeTree(projector.slice(3 * (head.keptLayers ?? 0)));
  return keptLayers(projector, featureDim, head);
}

/** The output of the network for views. */
interface ProjectedViews {
  readonly features: tf.Tensor2D; // [n, D]
  readonly projections: tf.Tensor2D; // [n, P]
}

/** @param views `[n, G, G, 3]`; they share the batch statistics of every BatchNorm. */
export function project(
  { model, params }: SimclrNetwork,
  views: tf.Tensor4D,
  options: ForwardOptions,
): ProjectedViews {
  const features = featuresOf(model, [views], options);
  return { features, projections: mlpHead(features, params.projector, options) };
}

/** Multiply–adds of the head for one view. */
export function simclrHeadCost(featureDim: number, head: SimclrHeadConfig): HeadCost {
  return { onTape: mlpHeadCost(sizesOf(featureDim, head)) };
}
