/**
 * DeepCluster-v2 (Caron et al. 2018, and 2020, appendix D): before each epoch, k-means clusters the
 * embeddings of all images from the epoch before, and during the epoch all views of an image learn
 * to predict its cluster. The centroids are the classifier; no gradient moves them.
 *
 * The official code is main_deepclusterv2.py of facebookresearch/swav. As there, a pass over all
 * images, which trains nothing but the running statistics of BatchNorm, fills the memory before the
 * first epoch; and images that the last, incomplete batch of an epoch leaves out have no cluster in
 * the next epoch.
 *
 * With micro-batches, the mean of each counts by its images, also if some have no cluster.
 *
 * V views of B images, E the length of an embedding.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { linear } from "lib/nn/linear.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import { imagesIn, type Views } from "lib/ssl/views/views.ts";
import { deepClusterAlarms } from "./alarms.ts";
import {
  clusterMemory,
  type Clusters,
  clustersOf,
  createClusters,
  emptyShare,
} from "./clusters.ts";
import { fillMemory } from "./fill_memory.ts";
import { clusterLoss } from "./loss.ts";
import { createMemory, remember } from "./memory.ts";
import { createDeepClusterNetwork, type DeepClusterNetwork, prototypeSets } from "./networks.ts";
import { checkDeepCluster, type DeepClusterRecipe, deepClusterValues } from "./recipe.ts";

/**
 * DeepCluster-v2 with a fresh network.
 *
 * @param imageCount Number of images in the data set.
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createDeepCluster(
  recipe: DeepClusterRecipe,
  rng: Rng,
  imageCount: number,
): Method {
  checkDeepCluster(recipe, imageCount);
  const network = createDeepClusterNetwork(recipe.model, recipe.head, rng);
  return deepCluster(network, recipe, imageCount);
}

/** DeepCluster-v2 on an existing network. Disposing of the method frees it. */
export function deepCluster(
  network: DeepClusterNetwork,
  recipe: DeepClusterRecipe,
  imageCount: number,
): Method {
  const { stepsPerEpoch } = pretrainLength(recipe, imageCount);
  const memory = createMemory(stepsPerEpoch, recipe.batchSize, recipe.head.outDim);
  const sets = prototypeSets(network);
  const clusters = createClusters(sets.length, imageCount);
  const state = { network: network.params, memory, clusters };
  return {
    evaluated: network.model,
    weights: network.weights,
    divides:
      "DeepCluster-v2 keeps a memory of every image, which each would fill with its own only",
    state: namedVariables(state),
    alarms: deepClusterAlarms,
    optimizerValues: (now) => deepClusterValues(recipe, now),
    async beforeEpoch(start) {
      if (start.epoch === 0) await fillMemory(network, memory, start);
      await clusterMemory(memory, sets, clusters, start.rng.fork("centroids"));
    },
    pass: (views, now) => deepClusterPass(network, clusters, recipe, views, now),
    afterUpdate: ({ rows }, { step }) =>
      remember(memory, step % stepsPerEpoch, rows as Parameters<typeof remember>[2]),
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.first as tf.Tensor2D),
      emptyClusters: emptyShare(clusters, sets),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/** All views of an image predict its cluster, by each of the clusterings. */
function deepClusterPass(
  network: DeepClusterNetwork,
  clusters: Clusters,
  { temperature, head: { outDim: E } }: DeepClusterRecipe,
  views: Views,
  { precision, rng }: Moment,
): Pass {
  const B = imagesIn(views);
  const images = views.indices!;
  const targets = clusters.map((ofOne) => clustersOf(ofOne, images)); // [B] for each clustering
  return {
    rows: { images: tf.tensor1d([...images]) },
    loss(note) {
      const options = { training: true, precision, rng };
      const { features, embeddings } = embed(network, views, options); // [V·B, D], [V·B, E]
      note?.("features", features);
      note?.("first", embeddings.slice([0, 0], [B, E]));
      note?.("second", embeddings.slice([B, 0], [B, E]));
      const losses = prototypeSets(network).map((prototypes, i) =>
        clusterLoss(linear(embeddings, prototypes), targets[i]!, temperature)
      );
      return tf.addN(losses).div<tf.Scalar>(losses.length);
    },
  };
}
