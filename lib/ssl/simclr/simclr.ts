/**
 * SimCLR (Chen et al. 2020a): a network learns to find, for one view of an image, the other view
 * among all other views of the batch. The other images are negatives; there is no second network.
 *
 * The official code is google-research/simclr (tf2). As there, both views are one forward pass, with
 * common batch statistics, and the backbone is kept after training without the end of its head.
 *
 * SimCLRv2 (Chen et al. 2020b) is the same method with a head of three layers, of which the first
 * stays on the backbone (`keptLayers`), and with larger ResNets that select their kernels.
 *
 * Differs: SimCLRv2's paper also has a memory of negatives from earlier batches; the official code
 * has none, and neither have we. The official code also trains a linear classifier with labels, to
 * monitor the network. Its gradient does not reach the network, so we leave it out; the k-NN monitor
 * takes its place.
 *
 * B images, P the length of a projection.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { alone } from "lib/distributed/world.ts";
import { allRows } from "lib/distributed/all_rows.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import { imagesIn, type Views } from "lib/ssl/views/views.ts";
import { simclrAlarms } from "./alarms.ts";
import { contrastAccuracy, ntXentLoss } from "./loss.ts";
import { createSimclrNetwork, evaluatedModel, project, type SimclrNetwork } from "./networks.ts";
import { checkSimclr, type SimclrRecipe, simclrValues } from "./recipe.ts";

/**
 * SimCLR with a fresh network.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createSimclr(recipe: SimclrRecipe, rng: Rng): Method {
  checkSimclr(recipe);
  return simclr(createSimclrNetwork(recipe.model, recipe.head, rng), recipe);
}

/** SimCLR on an existing network. Disposing of the method frees it. */
export function simclr(network: SimclrNetwork, recipe: SimclrRecipe): Method {
  const state = { network: network.params };
  return {
    evaluated: evaluatedModel(network, recipe.head),
    weights: network.weights,
    divides: true,
    state: namedVariables(state),
    alarms: simclrAlarms(recipe.batchSize),
    optimizerValues: (now) => simclrValues(recipe, now),
    pass: (views, now) => simclrPass(network, recipe, views, now),
    afterUpdate() {}, // the optimiser changes all there is
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.projections as tf.Tensor2D),
      contrastAccuracy: contrastAccuracy(rows.projections as tf.Tensor2D),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/** Algorithm 1: projects both views of all images, and compares each with all others. */
function simclrPass(
  network: SimclrNetwork,
  { temperature }: SimclrRecipe,
  views: Views, // of B images
  { precision, rng, world = alone }: Moment,
): Pass {
  return {
    loss(note) {
      const { features, projections } = project(network, views.global, {
        training: true,
        precision,
        rng,
        world,
      });
      note?.("features", features); // [2B, D]
      note?.("projections", projections); // [2B, P]
      return ntXentLoss(allRows(projections, imagesIn(views), world), temperature);
    },
  };
}
