/**
 * BYOL (Grill et al. 2020): an online network learns to predict, from one view of an image, what a
 * target network says of the other view. The target is a slow copy of the online network; nothing
 * is pushed apart.
 *
 * The official code is deepmind-research/byol. As there, each view passes alone, with batch
 * statistics of its own, and the online network is the one that is kept.
 *
 * Differs: the official code trains a linear classifier with labels beside the networks, to watch
 * them. No gradient of it reaches them, so it is left out; the k-NN monitor watches them.
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

/** BYOL on networks, which it owns. */
export function byol(networks: ByolNetworks, recipe: ByolRecipe): Method {
  const { online, target } = networks;
  const state = { target: target.params, online: online.params };
  return {
    evaluated: online.model,
    weights: online.weights,
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
 * The target looks at both views now; the online network predicts each from the other one on the
 * tape.
 */
function byolPass({ online, target }: ByolNetworks, { global }: Views, now: Moment): Pass {
  const { precision } = now;
  const views = tf.split<tf.Tensor4D>(global, 2); // [B, G, G, 3] each
  // The target is in training mode too, with running statistics of its own; it drops no paths.
  const [first, second] = views.map((view) => project(target, view, { training: true, precision }));
  return {
    loss() {
      const predictions = views.map((view, i) => {
        const options = { training: true, precision, rng: now.rng.fork(`view ${i + 1}`) };
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
