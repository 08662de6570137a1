/**
 * SwAV (Caron et al. 2020): the images of a batch are assigned to prototypes, all of which get
 * equally much, and each view of an image learns to predict the assignments of its other views.
 * There is no second network and no negative.
 *
 * The official code is facebookresearch/swav. As there, crops of one size share a forward pass of
 * the backbone, with common batch statistics.
 *
 * Differs: prototypes are scaled to unit length at the beginning and after each update, where the
 * official code does it before each forward pass; so they have that length in checkpoints too.
 *
 * V views of B images, K prototypes, E the length of an embedding.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { gatherRows, ownRows } from "lib/distributed/all_rows.ts";
import { alone } from "lib/distributed/world.ts";
import { linear } from "lib/nn/linear.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import { imagesIn, type Views } from "lib/ssl/views/views.ts";
import { offTape } from "lib/train/gradients.ts";
import { swavAlarms } from "./alarms.ts";
import { assign } from "./codes.ts";
import { countIdleImages, createIdleImages, deadShare } from "./dead_prototypes.ts";
import { codeEntropy, swappedLoss } from "./loss.ts";
import { createSwavNetwork, normalizePrototypes, type SwavNetwork } from "./networks.ts";
import { createQueue, push, type Queue } from "./queue.ts";
import {
  checkSwav,
  freezesPrototypes,
  isQueueing,
  queueRows,
  type SwavRecipe,
  swavValues,
} from "./recipe.ts";

/**
 * SwAV with a fresh network.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createSwav(recipe: SwavRecipe, rng: Rng): Method {
  checkSwav(recipe);
  return swav(createSwavNetwork(recipe.model, recipe.head, rng), recipe);
}

/** SwAV on an existing network. Disposing of the method frees it. */
export function swav(network: SwavNetwork, recipe: SwavRecipe): Method {
  const { prototypes, outDim } = recipe.head;
  const queue = createQueue(queueRows(recipe), outDim);
  const idle = createIdleImages(prototypes);
  const state = { network: network.params, queue, prototypes: { idle } };
  normalizePrototypes(network);
  return {
    evaluated: network.model,
    weights: network.weights,
    divides: true,
    state: namedVariables(state),
    alarms: swavAlarms(prototypes),
    optimizerValues: (now) => swavValues(recipe, now),
    pass: (views, now) => swavPass(network, queue, recipe, views, now),
    isFrozen: (name, now) => name === "prototypes.weight" && freezesPrototypes(recipe, now),
    afterUpdate({ rows }, now) {
      normalizePrototypes(network);
      countIdleImages(idle, rows.codes as tf.Tensor2D);
      if (queue && isQueueing(recipe, now)) push(queue, rows.embeddings as tf.Tensor2D);
    },
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.embeddings as tf.Tensor2D),
      codeEntropy: codeEntropy(rows.codes as tf.Tensor2D),
      deadPrototypes: deadShare(idle),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/** Algorithm 1 for several crops: assigns the global crops, and lets all others predict that. */
function swavPass(
  network: SwavNetwork,
  queue: Queue | null,
  recipe: SwavRecipe,
  views: Views,
  now: Moment,
): Pass {
  const B = imagesIn(views);
  const { precision, rng, world = alone } = now;
  const { prototypes: K, outDim: E } = recipe.head;
  /** Assigns the images of all processes together, and takes those of this one. */
  const codesOf = (scores: tf.Tensor2D) =>
    offTape(() => {
      const all = gatherRows(scores.slice([0, 0], [2 * B, K]), B, world);
      return ownRows(assign(all, B * world.size, network, queue, recipe, now), B, world);
    });
  return {
    loss(note) {
      const options = { training: true, precision, rng, world };
      const { features, embeddings } = embed(network, views, options); // [V·B, D], [V·B, E]
      const scores = linear(embeddings, network.params.prototypes); // [V·B, K]
      const codes = codesOf(scores); // [2B, K]
      note?.("features", features);
      note?.("embeddings", embeddings.slice([0, 0], [2 * B, E]));
      note?.("codes", codes);
      const byView = scores.reshape<tf.Tensor3D>([-1, B, K]);
      return swappedLoss(byView, codes.reshape([2, B, K]), recipe.temperature);
    },
  };
}
