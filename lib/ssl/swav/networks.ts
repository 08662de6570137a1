/** SwAV's network: unit embeddings and unit prototypes, and the scores between them. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import {
  createEmbeddingNetwork,
  createPrototypes,
  embeddingHeadCost,
  type EmbeddingNetwork,
  type PrototypeVectors,
} from "lib/ssl/method/embedding_network.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import type { SwavHeadConfig } from "./recipe.ts";

/** A backbone with a projection head and prototypes. */
export type SwavNetwork = EmbeddingNetwork<PrototypeVectors>;

export function createSwavNetwork(
  model: ModelConfig,
  head: SwavHeadConfig,
  rng: Rng,
): SwavNetwork {
  const create = (rng: Rng) => createPrototypes(head.outDim, head.prototypes, rng);
  return createEmbeddingNetwork(model, head, create, rng);
}

/** Scales all prototypes to unit length, in place. */
export function normalizePrototypes({ params: { prototypes: { weight } } }: SwavNetwork): void {
  tf.tidy(() => weight.assign(l2Normalize(weight.transpose()).transpose()));
}

/** Multiply–adds of the head for one view. */
export function swavHeadCost(featureDim: number, head: SwavHeadConfig): HeadCost {
  return { onTape: embeddingHeadCost(featureDim, head, head.prototypes) };
}
