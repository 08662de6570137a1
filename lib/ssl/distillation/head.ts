/**
 * DINO's projection head (Caron et al. 2021, §3.1 and appendix C): an MLP, a bottleneck that is
 * scaled to unit length, and a weight-normed layer onto K prototypes. Weights have the names of the
 * reference's `DINOHead`.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { gelu } from "lib/nn/gelu.ts";
import { constant, kaimingUniform } from "lib/nn/init.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { laidOut } from "lib/nn/layout.ts";
import { createLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import {
  batchNorm,
  type BatchNormMode,
  type BatchNormParams,
  createBatchNorm,
} from "lib/nn/norms.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";

/** Sizes of the projection head, and two of its switches. */
export interface DinoHeadConfig {
  /** Width of the two hidden layers. */
  readonly hiddenDim: number;
  /** Length of the unit vector before the prototypes. */
  readonly bottleneckDim: number;
  /** Number of prototypes K. */
  readonly outDim: number;
  /** Whether a BatchNorm follows each hidden layer. */
  readonly batchNorm: boolean;
  /**
   * Whether the lengths of the student's prototypes stay 1. The teacher has no gradient either way.
   */
  readonly normLastLayer: boolean;
}

/** A layer; `null` stands for a GELU, so that the numbers of the layers are the official ones. */
type MlpLayer = LinearParams | BatchNormParams | null;

export interface DinoHeadParams {
  readonly mlp: readonly MlpLayer[];
  readonly last_layer: Prototypes;
}

/** The weight-normed last layer. */
export interface Prototypes {
  readonly weight_g: tf.Variable<tf.Rank.R2>; // [1, K], lengths
  readonly weight_v: tf.Variable<tf.Rank.R2>; // [bottleneck, K], directions
}

/**
 * Creates a head. The linear layers start from `trunc_normal_(std=.02)`, the prototypes from
 * PyTorch's default for a linear layer.
 */
export function createDinoHead(inDim: number, config: DinoHeadConfig, rng: Rng): DinoHeadParams {
  const { hiddenDim, bottleneckDim, outDim } = config;
  const mlp: MlpLayer[] = [];
  for (const [from, to] of [[inDim, hiddenDim], [hiddenDim, hiddenDim]] as const) {
    mlp.push(createLinear(from, to, rng.fork(`mlp.${mlp.length}`)));
    if (config.batchNorm) mlp.push(createBatchNorm(to));
    mlp.push(null);
  }
  mlp.push(createLinear(hiddenDim, bottleneckDim, rng.fork(`mlp.${mlp.length}`)));
  const weight_g = laidOut("linear", constant<tf.Rank.R2>([1, outDim], 1));
  weight_g.trainable = !config.normLastLayer;
  const weight_v = laidOut(
    "linear",
    kaimingUniform<tf.Rank.R2>([bottleneckDim, outDim], rng.fork("last_layer"), bottleneckDim),
  );
  return { mlp, last_layer: { weight_g, weight_v } };
}

/** Multiply–adds of the head for one view, which are the same for both networks. */
export function dinoHeadCost(
  featureDim: number,
  { hiddenDim, bottleneckDim, outDim }: DinoHeadConfig,
): HeadCost {
  const cost = hiddenDim * (featureDim + hiddenDim + bottleneckDim) + bottleneckDim * outDim;
  return { onTape: cost, constant: cost };
}

/**
 * The output of the MLP, scaled to unit length.
 *
 * @param features `[N, inDim]`
 * @returns `[N, bottleneck]`
 */
export function dinoBottleneck(
  features: tf.Tensor2D,
  { mlp }: Pick<DinoHeadParams, "mlp">,
  mode: BatchNormMode,
): tf.Tensor2D {
  return tf.tidy(() => {
    let z = features;
    for (const layer of mlp) {
      if (layer === null) z = gelu(z);
      else if ("running_mean" in layer) z = batchNorm(z, layer, mode);
      else z = linear(z, layer);
    }
    return l2Normalize(z);
  });
}

/**
 * Logits over the prototypes: `g_k · ⟨z, v_k/‖v_k‖⟩`.
 *
 * @param z Unit vectors `[N, bottleneck]`
 * @returns `[N, K]`
 */
export function prototypeLogits(
  z: tf.Tensor2D,
  { weight_g, weight_v }: Prototypes,
): tf.Tensor2D {
  return tf.tidy(() => {
    const directions = l2Normalize(weight_v.transpose()); // [K, bottleneck], unit rows
    return tf.matMul(z, directions, false, true).mul<tf.Tensor2D>(weight_g); // [N, K]
  });
}

/**
 * The whole head: `[N, inDim]` to logits `[N, K]`. Training does not use it: `prototypes.ts`
 * computes the loss from the bottleneck.
 */
export function dinoHead(
  features: tf.Tensor2D,
  head: DinoHeadParams,
  options: BatchNormMode,
): tf.Tensor2D {
  return tf.tidy(() => prototypeLogits(dinoBottleneck(features, head, options), head.last_layer));
}
