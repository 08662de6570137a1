/**
 * BYOL (Grill et al. 2020): an online network learns to predict, from one view of an image, the
 * projection that a target network gives for the other view. The target is a slowly moving average
 * of the online network. There are no negative pairs.
 *
 * The official code is deepmind-research/byol. As there, each view is a forward pass of its own,
 * with its own batch statistics, and the online network is kept after training.
 *
 * Differs: the official code also trains a linear classifier with labels, to monitor the networks.
 * Its gradient does not reach them, so we leave it out; the k-NN monitor takes its place.
 *
 * B images, P the length of a projection.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { mlpHead } from "lib/ssl/method/heads.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { byolAlarms } from "./alarms.ts";
import { byolLoss } from "./loss.ts";
import { type ByolNetworks, createByolNetworks, project } from "./networks.ts";
import { type ByolRecipe, byolValues, checkByol, targetMomentum } from "./recipe.ts";

/**
 * BYOL with fresh networks.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createByol(recipe: ByolRecipe, rng: Rng): Method {
  checkByol(recipe);
  return byol(createByolNetworks(recipe.model, recipe.head, rng), recipe);
}

/** BYOL on existing networks. Disposing of the method frees them. */
export function byol(networks: ByolNetworks, recipe: ByolRecipe): Method {
  const { online, target } = networks;
  const state = { target: target.params, online: online.params };
  return {
    evaluated: online.model,
    weights: online.weights,
    divides: true,
    state: namedVariables(state),
    alarms: byolAlarms,
    optimizerValues: (now) => byolValues(recipe, now),
    pass: (views, now) => byolPass(networks, views, now),
    afterUpdate: (_, now) => emaUpdate(target.weights, online.weights, targetMomentum(recipe, now)),
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.projections as tf.Tensor2D),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/**
 * Runs the target on both views at once, outside the tape. The loss runs the online network on the
 * tape, to predict the target's projection of each view from the other view.
 */
function byolPass({ online, target }: ByolNetworks, { global }: Views, now: Moment): Pass {
  const { precision, world } = now;
  const views = tf.split<tf.Tensor4D>(global, 2); // [B, G, G, 3] each
  // The target is in training mode too, as in the official code: its BatchNorm uses the batch and
  // updates running statistics of its own. It has no stochastic depth.
  const [first, second] = views.map((view) =>
    project(target, view, { training: true, precision, world })
  );
  return {
    loss() {
      const predictions = views.map((view, i) => {
        const rng = now.rng.fork(`view ${i + 1}`);
        const options = { training: true, precision, rng, world };
        const { projections } = project(online, view, options);
        return mlpHead(projections, online.params.predictor, options); // [B, P]
      });
      return byolLoss(predictions, [second!.projections, first!.projections]);
    },
    rows: {
      features: tf.concat([first!.features, second!.features]),
      projections: tf.concat([first!.projections, second!.projections]),
    },
  };
}
