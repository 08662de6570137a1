/** A backbone with a DINO head: what student and teacher both are (the reference's `MultiCropWrapper`). */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createModel, type ForwardOptions, type Model, type ModelConfig } from "lib/models/mod.ts";
import {
  createDinoHead,
  dinoBottleneck,
  type DinoHeadConfig,
  type DinoHeadParams,
} from "./head.ts";

/** The tree `{ backbone, head }` gives weights the names of a DINO checkpoint: `backbone.stages.0.0.…`. */
export interface DinoNetwork {
  readonly model: Model;
  readonly params: { readonly backbone: object; readonly head: DinoHeadParams };
  /** Those of `params` that are trained, by their names. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
}

export function createDinoNetwork(
  model: ModelConfig,
  head: DinoHeadConfig,
  rng: Rng,
): DinoNetwork {
  const backbone = createModel(model, rng.fork("backbone"));
  const params = {
    backbone: backbone.params,
    head: createDinoHead(backbone.featureDim, head, rng.fork("head")),
  };
  return { model: backbone, params, weights: parameters(params) };
}

export interface DinoOutput {
  /** `[N, D]`, before the head. */
  readonly features: tf.Tensor2D;
  /** What the prototypes are compared with: unit vectors `[N, bottleneck]`. */
  readonly bottleneck: tf.Tensor2D;
}

/**
 * Runs the backbone once per resolution and the head, up to its prototypes, once on everything.
 *
 * As in the reference, groups of the same resolution that follow each other share one pass, and with it the batch
 * statistics of every BatchNorm.
 *
 * @param groups Views `[n_i, H_i, W_i, 3]`; the rows of the output are theirs, in order.
 */
export function forwardViews(
  { model, params }: DinoNetwork,
  groups: readonly tf.Tensor4D[],
  options: ForwardOptions,
): DinoOutput {
  return tf.tidy(() => {
    const passes = joinNeighbours(groups).map((group, i) =>
      model.forward(group, { ...options, rng: options.rng?.fork(i) }).features
    );
    const features = passes.length === 1 ? passes[0]! : tf.concat(passes);
    return { features, bottleneck: dinoBottleneck(features, params.head, options) };
  });
}

function joinNeighbours(groups: readonly tf.Tensor4D[]): tf.Tensor4D[] {
  const joined: tf.Tensor4D[][] = [];
  for (const group of groups) {
    const last = joined.at(-1);
    if (last && last[0]!.shape[2] === group.shape[2]) last.push(group);
    else joined.push([group]);
  }
  return joined.map((same) => same.length === 1 ? same[0]! : tf.concat(same));
}
