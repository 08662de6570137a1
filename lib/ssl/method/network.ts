/** A backbone with the heads that a method puts on it. */
import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createModel, type ForwardOptions, type Model, type ModelConfig } from "lib/models/mod.ts";

/**
 * The stream of the first weights of a run's backbone. Every method draws those of its evaluated
 * network from it, so runs of one seed start from the same backbone, whatever trains them, and so
 * does the same network trained with labels.
 */
export function backboneStream(seed: number): Rng {
  return firstWeights(createRng(seed)).fork("backbone");
}

/** The stream of the first weights of all of a run's networks. @param rng The run's stream. */
export function firstWeights(rng: Rng): Rng {
  return rng.fork("init");
}

/**
 * `params` is a tree, so its weights have names like those of the reference:
 * `backbone.stages.0.0.…`, `head.mlp.0.…`.
 */
export interface Network<Heads extends object> {
  readonly model: Model;
  readonly params: { readonly backbone: object } & Heads;
  /** Those of `params` that are trained, by their names. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
}

/**
 * A network with fresh weights. Those of the backbone come from the fork `backbone` of the stream
 * ({@linkcode backboneStream}).
 *
 * @param createHeads Makes the heads by name, on features of length `featureDim`.
 */
export function createNetwork<Heads extends object>(
  config: ModelConfig,
  createHeads: (featureDim: number, rng: Rng) => Heads,
  rng: Rng,
): Network<Heads> {
  const model = createModel(config, rng.fork("backbone"));
  const params = { backbone: model.params, ...createHeads(model.featureDim, rng) };
  return { model, params, weights: parameters(params) };
}

/**
 * Pooled features of views. The backbone runs once per resolution: as in DINO's reference, groups
 * of the same resolution that follow each other share one pass, and with it the batch statistics of
 * every BatchNorm.
 *
 * @param groups Views `[n_i, H_i, W_i, 3]`
 * @returns `[Σ n_i, D]`, in the order of the views.
 */
export function featuresOf(
  model: Model,
  groups: readonly tf.Tensor4D[],
  options: ForwardOptions,
): tf.Tensor2D {
  return tf.tidy(() => {
    const passes = joinNeighbours(groups).map((group, i) =>
      model.forward(group, { ...options, rng: options.rng?.fork(i) }).features
    );
    return passes.length === 1 ? passes[0]! : tf.concat(passes);
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
