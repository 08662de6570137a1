/**
 * EsViT's networks: a backbone with one head for whole views and one for regions.
 *
 * B images, N tokens of a view, D features.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import type { ForwardOptions, ModelConfig } from "lib/models/mod.ts";
import {
  createDinoHead,
  dinoBottleneck,
  type DinoHeadConfig,
  dinoHeadCost,
  type DinoHeadParams,
} from "lib/ssl/distillation/head.ts";
import { createPair, type Pair } from "lib/ssl/distillation/pair.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import { featuresAndTokens, type Network } from "lib/ssl/method/network.ts";

/** The heads, by their names in the official code. */
interface EsvitHeads {
  /** Of a view's pooled features. */
  readonly head: DinoHeadParams;
  /** Of each token. */
  readonly head_dense: DinoHeadParams;
}

export type EsvitNetwork = Network<EsvitHeads>;

/** Everything that a step changes, except the optimiser's state. */
export interface EsvitNetworks extends Pair<EsvitHeads> {
  /** Running mean of the teacher's logits of views, `[K]`. */
  readonly center: tf.Variable<tf.Rank.R1>;
  /** Running mean of the teacher's logits of all tokens, `[K]`. */
  readonly center_grid: tf.Variable<tf.Rank.R1>;
}

/** Student and teacher start from the same weights; the centres start at 0. */
export function createEsvitNetworks(
  model: ModelConfig,
  head: DinoHeadConfig,
  rng: Rng,
): EsvitNetworks {
  const pair = createPair(model, (featureDim, rng) => ({
    head: createDinoHead(featureDim, head, rng.fork("head")),
    head_dense: createDinoHead(featureDim, head, rng.fork("head_dense")),
  }), rng);
  const centre = () => buffer<tf.Rank.R1>([head.outDim], 0);
  return { ...pair, center: centre(), center_grid: centre() };
}

/** The output of a network for views. */
export interface EsvitOutput {
  /** Pooled features of the views, `[V·B, D]`. */
  readonly features: tf.Tensor2D;
  /** The tokens of each view, `[B, N, D]`; views of another size have another N. */
  readonly tokens: readonly tf.Tensor3D[];
  /** Unit bottlenecks of the views, `[V·B, bottleneck]`. */
  readonly views: tf.Tensor2D;
  /** Unit bottlenecks of all tokens, `[Σ B·N, bottleneck]`, in the order of `tokens`. */
  readonly regions: tf.Tensor2D;
}

/**
 * Runs the backbone and both heads, up to their prototypes.
 *
 * @param groups Views, `[n_i, H_i, W_i, 3]`
 * @param images B.
 */
export function runEsvit(
  { model, params }: EsvitNetwork,
  groups: readonly tf.Tensor4D[],
  images: number,
  options: ForwardOptions,
): EsvitOutput {
  const { features, tokens } = featuresAndTokens(model, groups, options);
  const rows = tokens.map((one) => one.reshape<tf.Tensor2D>([-1, model.featureDim]));
  return {
    features,
    tokens: tokens.flatMap((one) => tf.split<tf.Tensor3D>(one, one.shape[0] / images)),
    views: dinoBottleneck(features, params.head, options),
    regions: dinoBottleneck(tf.concat2d(rows, 0), params.head_dense, options),
  };
}

/**
 * Multiply–adds of both heads for one view, which are the same for student and teacher.
 *
 * @param tokens Number of tokens of the view.
 */
export function esvitHeadCost(featureDim: number, head: DinoHeadConfig, tokens: number): HeadCost {
  const { onTape } = dinoHeadCost(featureDim, head);
  const cost = (1 + tokens) * onTape;
  return { onTape: cost, constant: cost };
}
