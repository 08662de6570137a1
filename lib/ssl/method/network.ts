/** A backbone with the heads of a method. */
import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { parameters } from "lib/nn/parameters.ts";
import {
  createModel,
  type ForwardOptions,
  type Model,
  type ModelConfig,
  type ModelOutput,
} from "lib/models/mod.ts";

/**
 * The random stream for the first weights of a run's backbone. Every method uses it for its
 * evaluated network. So runs with the same seed start from the same backbone by any method, and so
 * does the same network trained with labels.
 */
export function backboneStream(seed: number): Rng {
  return firstWeights(createRng(seed)).fork("backbone");
}

/**
 * The random stream for the first weights of all networks of a run. @param rng The run's stream.
 */
export function firstWeights(rng: Rng): Rng {
  return rng.fork("init");
}

/**
 * A backbone with heads. The paths of weights in `params` are names like those of the reference:
 * `backbone.stages.0.0.…`, `head.mlp.0.…`.
 */
export interface Network<Heads extends object> {
  readonly model: Model;
  readonly params: { readonly backbone: object } & Heads;
  /** The trained weights of `params`, by their names. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
}

/**
 * Creates a network. The weights of the backbone come from the fork `backbone` of the stream, as
 * {@linkcode backboneStream} says.
 *
 * @param createHeads Creates the heads, by name, for features of length `featureDim`.
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
 * Pooled features of views. As in DINO's reference, neighbouring groups of the same resolution
 * share one forward pass of the backbone, and so the batch statistics of every BatchNorm.
 *
 * @param groups Views `[n_i, H_i, W_i, 3]`
 * @returns `[Σ n_i, D]`, in the order of the views.
 */
export function featuresOf(
  model: Model,
  groups: readonly tf.Tensor4D[],
  options: ForwardOptions,
): tf.Tensor2D {
  return tf.tidy(() => joined(forwardPasses(model, groups, options)));
}

/** The output of a backbone for views. */
export interface FeaturesAndTokens {
  /** `[Σ n_i, D]`, in the order of the views. */
  readonly features: tf.Tensor2D;
  /** The tokens of each resolution, `[n, N, D]`. */
  readonly tokens: readonly tf.Tensor3D[];
}

/** Pooled features of views as from {@linkcode featuresOf}, and their tokens. */
export function featuresAndTokens(
  model: Model,
  groups: readonly tf.Tensor4D[],
  options: ForwardOptions,
): FeaturesAndTokens {
  return tf.tidy(() => {
    const passes = forwardPasses(model, groups, { ...options, tokens: true });
    const tokens = passes.map((pass) => pass.tokens!);
    return { features: joined(passes), tokens } as unknown as tf.TensorContainer;
  }) as unknown as FeaturesAndTokens;
}

/** One forward pass for each run of groups of the same resolution. */
function forwardPasses(
  model: Model,
  groups: readonly tf.Tensor4D[],
  options: ForwardOptions,
): ModelOutput[] {
  return joinNeighbours(groups).map((group, i) =>
    model.forward(group, { ...options, rng: options.rng?.fork(i) })
  );
}

function joined(passes: readonly ModelOutput[]): tf.Tensor2D {
  const features = passes.map((pass) => pass.features);
  return features.length === 1 ? features[0]! : tf.concat(features);
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
