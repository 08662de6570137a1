/**
 * MoBY (Xie et al. 2021): MoCo's queue of keys with BYOL's predictor and views, for transformers. A
 * network learns to find, for a query made from one view of an image, the key that a slowly moving
 * average of the network makes from the other view, among the keys of earlier batches.
 *
 * The official code is SwinTransformer/Transformer-SSL. As there, each view is a forward pass of its
 * own, with its own batch statistics; the average is updated before it makes the keys; only the
 * network that is trained has stochastic depth; keys are projections, without the predictor; and the
 * trained encoder, not the average, is kept after training. Weights decay by `adamw` as there: all
 * but vectors and biases, so the tables of relative positions of a Swin decay too.
 *
 * Differs: a resumed run goes on with its momentum, where the official one begins that schedule anew
 * (`keyMomentum`).
 *
 * B images, D features, P the length of a projection, K keys in a queue.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { scalarReading } from "lib/train/reading.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { mobyAlarms } from "./alarms.ts";
import { contrastiveLoss, foundKeys } from "./loss.ts";
import { createMobyNetworks, encode, mobyMlp, type MobyNetworks, treeOf } from "./networks.ts";
import { enqueue } from "./queue.ts";
import { checkMoby, keyMomentum, type MobyRecipe, mobyValues } from "./recipe.ts";

/**
 * MoBY with fresh networks.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createMoby(recipe: MobyRecipe, rng: Rng): Method {
  checkMoby(recipe);
  return moby(createMobyNetworks(recipe, rng), recipe);
}

/** MoBY on existing networks. Disposing of the method frees them. */
export function moby(networks: MobyNetworks, recipe: MobyRecipe): Method {
  const { queues } = networks;
  const state = treeOf(networks);
  const { encoder, projector, predictor, encoder_k, projector_k } = state;
  const trained = parameters({ encoder, projector });
  const averaged = parameters({ encoder: encoder_k, projector: projector_k });
  return {
    evaluated: networks.online.model,
    weights: parameters({ encoder, projector, predictor }),
    divides: true,
    state: namedVariables(state),
    alarms: mobyAlarms(recipe),
    optimizerValues: (now) => mobyValues(recipe, now),
    clipsTogether: true,
    beforeStep: (now) => emaUpdate(averaged, trained, keyMomentum(recipe, now)),
    pass: (views, now) => mobyPass(networks, recipe, views, now),
    afterUpdate: ({ rows }) =>
      enqueue(queues, [rows.keys1 as tf.Tensor2D, rows.keys2 as tf.Tensor2D]),
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.keys1 as tf.Tensor2D),
      contrastAccuracy: scalarReading(rows.found!.mean()),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/**
 * The key encoder makes the keys, outside the tape and in training mode: its BatchNorm uses the
 * batch and updates running statistics of its own. The queries of each view are compared with the
 * keys of the other view: their own, and those in its queue.
 */
function mobyPass(
  { online, target, predictor, queues: { queue1, queue2 } }: MobyNetworks,
  { temperature }: MobyRecipe,
  { global }: Views, // [2B, G, G, 3]
  now: Moment,
): Pass {
  const { precision, world } = now;
  const views = tf.split<tf.Tensor4D>(global, 2); // [B, G, G, 3] each
  const [keys1, keys2] = views.map((view) =>
    l2Normalize(encode(target, view, { training: true, precision, world }).projections) // [B, P]
  ) as [tf.Tensor2D, tf.Tensor2D];
  const sought = [[keys2, queue2], [keys1, queue1]] as const; // by the queries of each view
  return {
    loss(note) {
      const passes = views.map((view, i) => {
        const options = { training: true, precision, rng: now.rng.fork(`view ${i + 1}`), world };
        const { features, projections } = encode(online, view, options);
        const queries = l2Normalize(mobyMlp(projections, predictor, options)); // [B, P]
        const [keys, queue] = sought[i]!;
        const loss = contrastiveLoss(queries, keys, queue, temperature);
        return { features, found: foundKeys(queries, keys, queue), loss };
      });
      note?.("features", tf.concat(passes.map(({ features }) => features))); // [2B, D]
      note?.("found", tf.concat(passes.map(({ found }) => found))); // [2B]
      return tf.addN(passes.map(({ loss }) => loss)) as tf.Scalar;
    },
    rows: { keys1, keys2 },
  };
}
