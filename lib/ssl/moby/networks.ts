/**
 * MoBY's networks, with the names of the official checkpoints: `encoder.patch_embed.proj.weight`,
 * `projector.linear_hidden.1.weight`, `encoder_k.…`, `projector_k.…`, `predictor.…`.
 *
 * B images, D features, P the length of a projection.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { createUniformLinear, type LinearParams } from "lib/nn/linear.ts";
import { type BatchNormMode, type BatchNormParams, createBatchNorm } from "lib/nn/norms.ts";
import type { ForwardOptions, Model, ModelConfig } from "lib/models/mod.ts";
import { mlpHead, mlpHeadCost, type MlpSizes } from "lib/ssl/method/heads.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import { createNetwork } from "lib/ssl/method/network.ts";
import { createQueues, type Queues } from "./queue.ts";
import type { MobyHeadConfig, MobyRecipe } from "./recipe.ts";

/** A head: linear, BatchNorm, ReLU, linear, all with bias (`MoBYMLP`). */
export interface MobyMlpParams {
  /** Nothing, linear, BatchNorm, ReLU: the numbers are those of PyTorch's `Sequential`. */
  readonly linear_hidden: readonly [null, LinearParams, BatchNormParams, null];
  readonly linear_out: LinearParams;
}

/** A backbone and its projector. */
export interface MobyEncoder {
  readonly model: Model;
  readonly projector: MobyMlpParams;
}

export interface MobyNetworks {
  /** The encoder that is trained, with the name that it has in the public code. */
  readonly online: MobyEncoder;
  /** The key encoder: its moving average. */
  readonly target: MobyEncoder;
  readonly predictor: MobyMlpParams;
  readonly queues: Queues;
}

/** Creates the networks. Both encoders draw from the same streams, so they start equal. */
export function createMobyNetworks(
  { model, head, queueLength }: Pick<MobyRecipe, "model" | "head" | "queueLength">,
  rng: Rng,
): MobyNetworks {
  return {
    online: createEncoder(model, head, rng),
    target: createEncoder(model, head, rng),
    predictor: createMlp(sizesOf(1, head).predictor, rng.fork("predictor")),
    queues: createQueues(head.outDim, queueLength, rng),
  };
}

function createEncoder(config: ModelConfig, head: MobyHeadConfig, rng: Rng): MobyEncoder {
  const { model, params: { projector } } = createNetwork(config, (featureDim, rng) => ({
    projector: createMlp(sizesOf(featureDim, head).projector, rng.fork("projector")),
  }), rng);
  return { model, projector };
}

function sizesOf(
  featureDim: number,
  { hiddenDim, outDim }: MobyHeadConfig,
): Readonly<Record<"projector" | "predictor", MlpSizes & readonly [number, number, number]>> {
  return {
    projector: [featureDim, hiddenDim, outDim],
    predictor: [outDim, hiddenDim, outDim],
  };
}

/** A head with PyTorch's first values. */
function createMlp(
  [inDim, hiddenDim, outDim]: readonly [number, number, number],
  rng: Rng,
): MobyMlpParams {
  return {
    linear_hidden: [
      ...[null, createUniformLinear(inDim, hiddenDim, rng.fork("linear_hidden.1"))] as const,
      ...[createBatchNorm(hiddenDim), null] as const,
    ],
    linear_out: createUniformLinear(hiddenDim, outDim, rng.fork("linear_out")),
  };
}

/** @param x `[n, input]` @returns `[n, output]` */
export function mobyMlp(
  x: tf.Tensor2D,
  { linear_hidden: [, linear, norm, relu], linear_out }: MobyMlpParams,
  options: BatchNormMode,
): tf.Tensor2D {
  return mlpHead(x, [linear, norm, relu, linear_out], options);
}

/** The output of an encoder for a view. */
export interface MobyEncoded {
  readonly features: tf.Tensor2D; // [B, D]
  readonly projections: tf.Tensor2D; // [B, P]
}

/** @param view `[B, G, G, 3]` */
export function encode(
  { model, projector }: MobyEncoder,
  view: tf.Tensor4D,
  options: ForwardOptions,
): MobyEncoded {
  const { features } = model.forward(view, options);
  return { features, projections: mobyMlp(features, projector, options) };
}

/** The tree of all variables, with the official names. */
export function treeOf({ online, target, predictor, queues }: MobyNetworks) {
  return {
    encoder: online.model.params,
    projector: online.projector,
    encoder_k: target.model.params,
    projector_k: target.projector,
    predictor,
    ...queues,
  };
}

/** Multiply–adds of the heads for one view. */
export function mobyHeadCost(featureDim: number, head: MobyHeadConfig): HeadCost {
  const { projector, predictor } = sizesOf(featureDim, head);
  const projection = mlpHeadCost(projector);
  return { onTape: projection + mlpHeadCost(predictor), constant: projection };
}
