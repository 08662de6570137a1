/**
 * A network that maps views to unit vectors, and prototypes among such vectors, as in SwAV and
 * DeepCluster-v2 (Caron et al. 2020; src/resnet50.py of their public code). Weights below the
 * backbone have the public code's names.
 *
 * V views of B images, D features, E the length of an embedding, K prototypes.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { kaimingUniform } from "lib/nn/init.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { laidOut } from "lib/nn/layout.ts";
import type { LinearParams } from "lib/nn/linear.ts";
import type { ForwardOptions, ModelConfig } from "lib/models/mod.ts";
import type { Views } from "lib/ssl/views/views.ts";
import type { WeightsTarget } from "lib/weights/weights.ts";
import {
  createBiasedMlpHead,
  mlpHead,
  mlpHeadCost,
  type MlpHeadParams,
  type MlpSizes,
} from "./heads.ts";
import { createNetwork, featuresOf, type Network } from "./network.ts";

/** Sizes of the projection head: one hidden layer with BatchNorm and ReLU, then the embedding. */
export interface EmbeddingHeadConfig {
  /** Width of the hidden layer (`hidden_mlp`). */
  readonly hiddenDim: number;
  /** E, the length of an embedding (`feat_dim`). */
  readonly outDim: number;
}

/** Vectors among the embeddings, as a linear layer without bias; its output is their products. */
export type PrototypeVectors = Pick<LinearParams, "weight">; // [E, K]

/** A backbone with a projection head and prototypes; `P` is one set of prototypes, or several. */
export type EmbeddingNetwork<P extends object> = Network<{
  readonly projection_head: MlpHeadParams;
  readonly prototypes: P;
}>;

/** @param createPrototypes Creates the prototypes from the random stream that it is given. */
export function createEmbeddingNetwork<P extends object>(
  model: ModelConfig,
  head: EmbeddingHeadConfig,
  createPrototypes: (rng: Rng) => P,
  rng: Rng,
): EmbeddingNetwork<P> {
  return createNetwork(model, (featureDim, rng) => ({
    projection_head: createBiasedMlpHead(sizesOf(featureDim, head), rng.fork("projection_head")),
    prototypes: createPrototypes(rng.fork("prototypes")),
  }), rng);
}

function sizesOf(featureDim: number, { hiddenDim, outDim }: EmbeddingHeadConfig): MlpSizes {
  return [featureDim, hiddenDim, outDim];
}

/** Prototypes with PyTorch's default initialisation; their length is not 1. */
export function createPrototypes(outDim: number, count: number, rng: Rng): PrototypeVectors {
  const values = kaimingUniform<tf.Rank.R2>([outDim, count], rng.fork("weight"), outDim);
  return { weight: laidOut("linear", values) };
}

/** The output of the network for views. */
export interface EmbeddedViews {
  readonly features: tf.Tensor2D; // [V·B, D]
  /** Unit vectors. */
  readonly embeddings: tf.Tensor2D; // [V·B, E]
}

/**
 * Embeds views. Those of one size share a forward pass of the backbone, and so the batch statistics
 * of its norms; the head has one pass, and one set of statistics, for all views.
 */
export function embed(
  { model, params }: Network<{ readonly projection_head: MlpHeadParams }>,
  { global, local }: Views,
  options: ForwardOptions,
): EmbeddedViews {
  const features = featuresOf(model, local === null ? [global] : [global, local], options);
  return { features, embeddings: l2Normalize(mlpHead(features, params.projection_head, options)) };
}

/**
 * Multiply–adds of head and prototypes for one view.
 *
 * @param prototypes Number of all prototypes.
 */
export function embeddingHeadCost(
  featureDim: number,
  head: EmbeddingHeadConfig,
  prototypes: number,
): number {
  return mlpHeadCost(sizesOf(featureDim, head)) + head.outDim * prototypes;
}

/**
 * The network's weights under the names of the public code (`projection_head.0.weight`,
 * `prototypes.weight`, and those of the backbone without a prefix), for `loadWeights` and
 * `saveWeights`. Files of the public code have `module.` before each name, which is found.
 */
export function officialWeights<P extends object>(
  { model, params }: EmbeddingNetwork<P>,
): WeightsTarget {
  const { backbone, ...heads } = params;
  return {
    params: { ...backbone, ...heads },
    officialNames: model.officialNames,
    // The public code has no form of other libraries.
    weightsForm: (format) => format === "official" ? model.weightsForm(format) : undefined,
  };
}
