/**
 * MoCo v3 (Chen et al. 2021): a network learns to find, for a query made from one view of an image,
 * the key that a slowly moving average of the network makes from the other view, among the keys of
 * all images of the batch.
 *
 * The official code is facebookresearch/moco-v3. As there, each view is a forward pass of its own,
 * with its own batch statistics; the moving average is updated before it makes the keys; and the
 * trained encoder, not the average, is kept after training. A ViT is the official one with
 * `mocoV3ViTConfig`.
 *
 * B images, D features, P the length of a projection.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { allRows } from "lib/distributed/all_rows.ts";
import { alone } from "lib/distributed/world.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { mlpHead } from "lib/ssl/method/heads.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { mocoV3Alarms } from "./alarms.ts";
import { contrastAccuracy, contrastiveLoss } from "./loss.ts";
import { createMocoV3Networks, encode, type MocoV3Networks, trainedWeights } from "./networks.ts";
import { checkMocoV3, encoderMomentum, type MocoV3Recipe, mocoV3Values } from "./recipe.ts";

/**
 * MoCo v3 with fresh networks.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createMocoV3(recipe: MocoV3Recipe, rng: Rng): Method {
  checkMocoV3(recipe);
  return mocoV3(createMocoV3Networks(recipe.model, recipe.head, rng), recipe);
}

/** MoCo v3 on existing networks. Disposing of the method frees them. */
export function mocoV3(networks: MocoV3Networks, recipe: MocoV3Recipe): Method {
  const { base, momentum, predictor } = networks;
  const state = { base_encoder: base.params, momentum_encoder: momentum.params, predictor };
  const [trained, averaged] = [base, momentum].map(({ params }) =>
    trainedWeights(params, recipe.model)
  );
  return {
    evaluated: base.model,
    weights: trainedWeights({ base_encoder: base.params, predictor }, recipe.model),
    divides: true,
    state: namedVariables(state),
    alarms: mocoV3Alarms(recipe),
    optimizerValues: (now) => mocoV3Values(recipe, now),
    beforeStep: (now) => emaUpdate(averaged!, trained!, encoderMomentum(recipe, now)),
    pass: (views, now) => mocoV3Pass(networks, recipe, views, now),
    afterUpdate() {}, // the average is updated before the next step's keys
    signals: ({ rows }) => ({
      featureStd: directionSpread(rows.features as tf.Tensor2D),
      projectionStd: directionSpread(rows.keys as tf.Tensor2D),
      contrastAccuracy: contrastAccuracy(rows.queries as tf.Tensor2D, rows.keys as tf.Tensor2D),
    }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/**
 * Algorithm 1. The momentum encoder makes the keys, outside the tape and in training mode: its
 * BatchNorm uses the batch and updates running statistics of its own. Each view's queries are
 * compared with the other view's keys.
 */
function mocoV3Pass(
  { base, momentum, predictor }: MocoV3Networks,
  { temperature }: MocoV3Recipe,
  { global }: Views, // [2B, G, G, 3]
  now: Moment,
): Pass {
  const { precision, world = alone } = now;
  const views = tf.split<tf.Tensor4D>(global, 2); // [B, G, G, 3] each
  const [k1, k2] = views.map((view) =>
    encode(momentum, view, { training: true, precision, world }).projections // [B, P]
  ) as [tf.Tensor2D, tf.Tensor2D];
  // Each query is compared with the keys of the whole batch, also of other processes.
  const all = (rows: tf.Tensor2D) => allRows(rows, views[0]!.shape[0], world);
  const [allK1, allK2] = [all(k1), all(k2)];
  return {
    loss(note) {
      const passes = views.map((view, i) => {
        const options = { training: true, precision, rng: now.rng.fork(`view ${i + 1}`), world };
        const { features, projections } = encode(base, view, options);
        return { features, queries: mlpHead(projections, predictor, options) };
      });
      note?.("features", tf.concat(passes.map(({ features }) => features))); // [2B, D]
      note?.("queries", tf.concat(passes.map(({ queries }) => queries))); // [2B, P]
      const [q1, q2] = passes.map(({ queries }) => queries) as [tf.Tensor2D, tf.Tensor2D];
      return contrastiveLoss(all(q1), allK2, temperature)
        .add(contrastiveLoss(all(q2), allK1, temperature));
    },
    rows: { keys: tf.concat([k2, k1]) }, // in the order of the queries that are to find them
  };
}
