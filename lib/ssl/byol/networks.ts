/** BYOL's online and target networks. B images, D features, P the length of a projection. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { ForwardOptions, ModelConfig } from "lib/models/mod.ts";
import {
  createMlpHead,
  mlpHead,
  mlpHeadCost,
  type MlpHeadParams,
  type MlpSizes,
} from "lib/ssl/method/heads.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import { createNetwork, featuresOf, type Network } from "lib/ssl/method/network.ts";
import type { ByolHeadConfig } from "./recipe.ts";

/**
 * A backbone with a projector. The target network of the official code also has a predictor, but
 * nothing uses its output.
 */
export type Target = Network<{ readonly projector: MlpHeadParams }>;
export type Online = Network<{
  readonly projector: MlpHeadParams;
  readonly predictor: MlpHeadParams;
}>;

export interface ByolNetworks {
  readonly online: Online;
  readonly target: Target;
}

/** Creates both networks. They start from different weights, as in the official code. */
export function createByolNetworks(
  model: ModelConfig,
  head: ByolHeadConfig,
  rng: Rng,
): ByolNetworks {
  const norm = head.batchNorm ?? true;
  const projector = (featureDim: number, rng: Rng) =>
    createMlpHead(sizesOf(featureDim, head).projector, rng.fork("projector"), { norm });
  const predictor = (featureDim: number, rng: Rng) =>
    createMlpHead(sizesOf(featureDim, head).predictor, rng.fork("predictor"), { norm });
  return {
    online: createNetwork(model, (dim, rng) => ({
      projector: projector(dim, rng),
      predictor: predictor(dim, rng),
    }), rng),
    target: createNetwork(
      model,
      (dim, rng) => ({ projector: projector(dim, rng) }),
      rng.fork("target"),
    ),
  };
}

function sizesOf(
  featureDim: number,
  { hiddenDim, outDim }: ByolHeadConfig,
): Readonly<Record<"projector" | "predictor", MlpSizes>> {
  return {
    projector: [featureDim, hiddenDim, outDim],
    predictor: [outDim, hiddenDim, outDim],
  };
}

/** The output of a network for a view. */
export interface Projected {
  readonly features: tf.Tensor2D; // [B, D]
  readonly projections: tf.Tensor2D; // [B, P]
}

/** @param view `[B, G, G, 3]` */
export function project(
  { model, params }: Target,
  view: tf.Tensor4D,
  options: ForwardOptions,
): Projected {
  const features = featuresOf(model, [view], options);
  return { features, projections: mlpHead(features, params.projector, options) };
}

/** Multiply–adds of the heads for one view. */
export function byolHeadCost(featureDim: number, head: ByolHeadConfig): HeadCost {
  const { projector, predictor } = sizesOf(featureDim, head);
  const projection = mlpHeadCost(projector);
  return { onTape: projection + mlpHeadCost(predictor), constant: projection };
}
