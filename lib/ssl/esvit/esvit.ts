/**
 * EsViT (Li et al. 2022): DINO with a second task. As in DINO, the student learns the distribution
 * over prototypes that the teacher assigns another view of the image. In addition, each of its
 * tokens, a region of the view, learns that of the teacher's most similar token. The two losses
 * have equal weights.
 *
 * The official code is microsoft/esvit. Without the region loss, EsViT is DINO, whose recipe then
 * trains it.
 *
 * T = 2 teacher views, V student views, B images, D features, K prototypes of each head.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { combined, scalarReading } from "lib/train/reading.ts";
import { prototypeLoss, teach } from "lib/ssl/distillation/prototypes.ts";
import { distillationValues } from "lib/ssl/distillation/recipe.ts";
import type { BatchResult, Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { cosineValues } from "lib/ssl/method/recipe.ts";
import { directionSpread, lengthOf, meanOf } from "lib/ssl/method/signals.ts";
import { imagesIn, type Views } from "lib/ssl/views/views.ts";
import { esvitAlarms } from "./alarms.ts";
import { createEsvitNetworks, type EsvitNetworks, runEsvit } from "./networks.ts";
import type { EsvitRecipe } from "./recipe.ts";
import { regionLosses } from "./region_loss.ts";

/** EsViT with fresh networks. */
export function createEsvit(recipe: EsvitRecipe, rng: Rng): Method {
  return esvit(createEsvitNetworks(recipe.model, recipe.head, rng), recipe);
}

/** EsViT on existing networks. Disposing of the method frees them. */
export function esvit(networks: EsvitNetworks, recipe: EsvitRecipe): Method {
  const { student, teacher, center, center_grid } = networks;
  const state = { center, center_grid, teacher: teacher.params, student: student.params };
  return {
    evaluated: teacher.model,
    weights: student.weights,
    divides: true,
    state: namedVariables(state),
    alarms: esvitAlarms(recipe.head.outDim),
    optimizerValues: (now) => cosineValues(recipe, now),
    pass: (views, now) => esvitPass(networks, views, recipe, now),
    isFrozen: (name, now) =>
      /^head(_dense)?\.last_layer\./.test(name) && distillationValues(recipe, now).freezeLastLayer,
    afterUpdate({ means }, now) {
      emaUpdate(teacher.weights, student.weights, distillationValues(recipe, now).teacherMomentum);
      center.assign(means.center as tf.Tensor1D);
      center_grid.assign(means.center_grid as tf.Tensor1D);
    },
    signals: esvitSignals,
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/**
 * Runs the teacher on the large views at once, outside the tape. The loss runs the student on all
 * views, on the tape.
 */
function esvitPass(
  { student, teacher, center, center_grid }: EsvitNetworks,
  views: Views,
  recipe: EsvitRecipe,
  now: Moment,
): Pass {
  const { global, local } = views;
  const images = imagesIn(views);
  const { precision, world } = now;
  const { studentTemp, centerMomentum } = recipe;
  const { teacherTemp, freezeLastLayer: frozen } = distillationValues(recipe, now);
  // The teacher is in training mode and has no stochastic depth, as in the official code.
  const taught = runEsvit(teacher, [global], images, { training: true, precision, world });
  const { head, head_dense } = teacher.params;
  const options = { views: 2, teacherTemp, centerMomentum };
  const ofViews = teach(taught.views, head.last_layer, center, options);
  const ofRegions = teach(taught.regions, head_dense.last_layer, center_grid, options);
  const { probabilities } = ofRegions;
  const groups = local === null ? [global] : [global, local];
  return {
    loss(note) {
      const { head, head_dense } = student.params;
      const learnt = runEsvit(student, groups, images, {
        training: true,
        precision,
        rng: now.rng,
        world,
      });
      const loss = { studentTemp, frozen };
      const view = prototypeLoss(learnt.views, head.last_layer, ofViews.probabilities, loss);
      const teacherRegions = { tokens: taught.tokens, probabilities };
      const region = regionLosses(learnt, head_dense.last_layer, teacherRegions, studentTemp);
      note?.("regionLoss", region.losses);
      note?.("regionEntropy", region.entropies);
      return view.add(region.losses.mean()).div<tf.Scalar>(2);
    },
    means: { entropy: ofViews.entropy, center: ofViews.center, center_grid: ofRegions.center },
    rows: { features: taught.features },
  };
}

/**
 * Signals for the log. `loss` is the mean of `viewLoss` and `regionLoss`. `teacherEntropy`, `kl`,
 * `featureStd` and `centerNorm` are DINO's. `regionEntropy` and `regionKl` are the same for tokens:
 * the mean entropy of the distributions that tokens of the student learn, and the KL divergence
 * from these to the student. All are in nats, except `featureStd` and the norms of the centres.
 */
function esvitSignals({ loss, means, rows }: BatchResult) {
  const teacherEntropy = scalarReading(means.entropy!);
  const [regionLoss, regionEntropy] = [meanOf(rows.regionLoss!), meanOf(rows.regionEntropy!)];
  const viewLoss = combined([loss, regionLoss], (loss, region) => 2 * loss - region);
  const gap = (a: number, b: number) => a - b;
  return {
    viewLoss,
    regionLoss,
    centerNorm: lengthOf(means.center!),
    regionCenterNorm: lengthOf(means.center_grid!),
    teacherEntropy,
    regionEntropy,
    kl: combined([viewLoss, teacherEntropy], gap),
    regionKl: combined([regionLoss, regionEntropy], gap),
    featureStd: directionSpread(rows.features as tf.Tensor2D),
  };
}
