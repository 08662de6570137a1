/** DeepCluster-v2's network: unit embeddings, and the centroids of several clusterings of them. */
import type { Rng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import {
  createEmbeddingNetwork,
  createPrototypes,
  embeddingHeadCost,
  type EmbeddingNetwork,
  type PrototypeVectors,
} from "lib/ssl/method/embedding_network.ts";
import type { HeadCost } from "lib/ssl/method/method.ts";
import type { DeepClusterHeadConfig } from "./recipe.ts";

/** The prototypes of each clustering, under the public code's names: `prototypes0`, … */
export type PrototypeSets = Readonly<Record<string, PrototypeVectors>>;

/** A backbone with a projection head and several sets of prototypes. */
export type DeepClusterNetwork = EmbeddingNetwork<PrototypeSets>;

/** Creates a network. Its prototypes are buffers: only k-means changes them. */
export function createDeepClusterNetwork(
  model: ModelConfig,
  head: DeepClusterHeadConfig,
  rng: Rng,
): DeepClusterNetwork {
  const create = (rng: Rng) =>
    Object.fromEntries(head.prototypes.map((count, i) => {
      const prototypes = createPrototypes(head.outDim, count, rng.fork(i));
      prototypes.weight.trainable = false;
      return [`prototypes${i}`, prototypes];
    }));
  return createEmbeddingNetwork(model, head, create, rng);
}

/** The sets of prototypes, in the order of the clusterings. */
export function prototypeSets({ params: { prototypes } }: DeepClusterNetwork): PrototypeVectors[] {
  return Object.values(prototypes);
}

/** Multiply–adds of the head for one view. */
export function deepClusterHeadCost(featureDim: number, head: DeepClusterHeadConfig): HeadCost {
  const all = head.prototypes.reduce((sum, count) => sum + count, 0);
  return { onTape: embeddingHeadCost(featureDim, head, all) };
}
