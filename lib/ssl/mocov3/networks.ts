/**
 * MoCo v3's networks, with the names of the official checkpoints: `base_encoder.conv1.weight`,
 * `momentum_encoder.fc.0.weight`, `predictor.0.weight`, …
 *
 * B images, D features, P the length of a projection.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { kaimingUniform } from "lib/nn/init.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createBatchNorm, createRunningStatistics } from "lib/nn/norms.ts";
import { parameters } from "lib/nn/parameters.ts";
import type { ForwardOptions, Model, ModelConfig } from "lib/models/mod.ts";
import { mlpHead, mlpHeadCost, type MlpHeadParams, type MlpSizes } from "lib/ssl/method/heads.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import { createNetwork } from "lib/ssl/method/network.ts";
import type { MocoV3HeadConfig } from "./recipe.ts";

/** A backbone with a projector in the place of its classifier. */
export interface Encoder {
  readonly model: Model;
  readonly projector: MlpHeadParams;
  /** The weights of both; the projector's are `fc.…`, or `head.…` in the form for ViTs. */
  readonly params: object;
}

export interface MocoV3Networks {
  readonly base: Encoder;
  readonly momentum: Encoder;
  readonly predictor: MlpHeadParams;
}

/** Creates the networks. Both encoders draw from the same streams, so they start equal. */
export function createMocoV3Networks(
  model: ModelConfig,
  head: MocoV3HeadConfig,
  rng: Rng,
): MocoV3Networks {
  const base = createEncoder(model, head, rng);
  const momentum = createEncoder(model, head, rng);
  const endsInNorm = head.form === "vit";
  const predictor = createMlp(sizesOf(1, head).predictor, rng.fork("predictor"), { endsInNorm });
  return { base, momentum, predictor };
}

function createEncoder(config: ModelConfig, head: MocoV3HeadConfig, rng: Rng): Encoder {
  const { model, params: { projector } } = createNetwork(config, (featureDim, rng) => ({
    projector: createMlp(sizesOf(featureDim, head).projector, rng.fork("projector"), {
      endsInNorm: true,
    }),
  }), rng);
  const name = head.form === "resnet" ? "fc" : "head"; // the classifier's in the official networks
  return { model, projector, params: { ...model.params, [name]: projector } };
}

function sizesOf(
  featureDim: number,
  { form, hiddenDim, outDim }: MocoV3HeadConfig,
): Readonly<Record<"projector" | "predictor", MlpSizes>> {
  const hidden = form === "resnet" ? [hiddenDim] : [hiddenDim, hiddenDim];
  return {
    projector: [featureDim, ...hidden, outDim],
    predictor: [outDim, hiddenDim, outDim],
  };
}

/**
 * Linear layers without bias, with PyTorch's first values; between them a BatchNorm and a ReLU, and
 * after the last one a BatchNorm without scale and shift, or nothing.
 */
function createMlp(
  sizes: MlpSizes,
  rng: Rng,
  { endsInNorm }: { readonly endsInNorm: boolean },
): MlpHeadParams {
  return sizes.slice(1).flatMap((to, i) => {
    const from = sizes[i]!;
    const values = kaimingUniform<tf.Rank.R2>([from, to], rng.fork(3 * i), from);
    const weight = laidOut("linear", values);
    if (i < sizes.length - 2) return [{ weight }, createBatchNorm(to), null];
    return endsInNorm ? [{ weight }, createRunningStatistics(to)] : [{ weight }];
  });
}

/**
 * The weights of an encoder, or of a tree that holds one, that change in training. The patch
 * projection of a ViT stays as it is (`stop-grad-conv1`; Chen et al. 2021, §4.2).
 */
export function trainedWeights(tree: object, { arch }: ModelConfig): Map<string, tf.Variable> {
  const isFrozen = (name: string) => arch === "vit" && /(^|\.)patch_embed\.proj\./.test(name);
  return new Map([...parameters(tree)].filter(([name]) => !isFrozen(name)));
}

/** The output of an encoder for a view. */
export interface Encoded {
  readonly features: tf.Tensor2D; // [B, D]
  readonly projections: tf.Tensor2D; // [B, P]
}

/** @param view `[B, G, G, 3]` */
export function encode(
  { model, projector }: Encoder,
  view: tf.Tensor4D,
  options: ForwardOptions,
): Encoded {
  const { features } = model.forward(view, options);
  return { features, projections: mlpHead(features, projector, options) };
}

/** Multiply–adds of the heads for one view. */
export function mocoV3HeadCost(featureDim: number, head: MocoV3HeadConfig): HeadCost {
  const { projector, predictor } = sizesOf(featureDim, head);
  const projection = mlpHeadCost(projector);
  return { onTape: projection + mlpHeadCost(predictor), constant: projection };
}
