/**
 * DINO (Caron et al. 2021, Algorithm 1): a teacher, which is a slowly moving average of the
 * student, assigns each large view of an image a distribution over prototypes. The student learns
 * to predict it from the other views of the image, small and large.
 *
 * T = 2 teacher views, V student views, B images, D features, K prototypes.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { combined, scalarReading } from "lib/train/reading.ts";
import type { BatchResult, Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { featuresOf, type Network } from "lib/ssl/method/network.ts";
import { cosineValues } from "lib/ssl/method/recipe.ts";
import { directionSpread, lengthOf } from "lib/ssl/method/signals.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { dinoAlarms } from "lib/ssl/distillation/alarms.ts";
import {
  createDinoHead,
  dinoBottleneck,
  type DinoHeadConfig,
  type DinoHeadParams,
} from "lib/ssl/distillation/head.ts";
import { createPair } from "lib/ssl/distillation/pair.ts";
import { prototypeLoss, teach } from "lib/ssl/distillation/prototypes.ts";
import { distillationValues } from "lib/ssl/distillation/recipe.ts";
import type { DinoRecipe } from "./recipe.ts";

/** A backbone with a DINO head (the reference's `MultiCropWrapper`). */
export type DinoNetwork = Network<{ readonly head: DinoHeadParams }>;

/** Everything that a step changes, except the optimiser's state. */
export interface DinoNetworks {
  readonly student: DinoNetwork;
  readonly teacher: DinoNetwork;
  /** Running mean of the teacher's logits, `[K]`. */
  readonly center: tf.Variable<tf.Rank.R1>;
}

/** Student and teacher start from the same weights; the centre starts at 0. */
export function createDinoNetworks(
  model: ModelConfig,
  head: DinoHeadConfig,
  rng: Rng,
): DinoNetworks {
  const pair = createPair(
    model,
    (featureDim, rng) => ({ head: createDinoHead(featureDim, head, rng.fork("head")) }),
    rng,
  );
  return { ...pair, center: buffer<tf.Rank.R1>([head.outDim], 0) };
}

/** DINO with fresh networks. */
export function createDino(recipe: DinoRecipe, rng: Rng): Method {
  return dino(createDinoNetworks(recipe.model, recipe.head, rng), recipe);
}

/** DINO on existing networks. Disposing of the method frees them. */
export function dino(networks: DinoNetworks, recipe: DinoRecipe): Method {
  const { student, teacher, center } = networks;
  const state = { center, teacher: teacher.params, student: student.params };
  return {
    evaluated: teacher.model,
    weights: student.weights,
    divides: true,
    state: namedVariables(state),
    alarms: dinoAlarms(recipe.head.outDim),
    optimizerValues: (now) => cosineValues(recipe, now),
    pass: (views, now) => dinoPass(networks, views, recipe, now),
    isFrozen: (name, now) =>
      name.startsWith("head.last_layer.") && distillationValues(recipe, now).freezeLastLayer,
    afterUpdate({ means }, now) {
      emaUpdate(teacher.weights, student.weights, distillationValues(recipe, now).teacherMomentum);
      center.assign(means.center as tf.Tensor1D);
    },
    signals: dinoSignals,
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/**
 * Runs the teacher on the large views at once, outside the tape. The loss runs the student on all
 * views, on the tape.
 */
function dinoPass(
  { student, teacher, center }: DinoNetworks,
  { global, local }: Views,
  recipe: DinoRecipe,
  now: Moment,
): Pass {
  const { precision, world } = now;
  const { studentTemp, centerMomentum, teacherDropPath } = recipe;
  const { teacherTemp, freezeLastLayer: frozen } = distillationValues(recipe, now);
  // The teacher is in training mode, as in the reference: its BatchNorm uses the batch and updates
  // running statistics of its own.
  const rng = teacherDropPath ? now.rng.fork("teacher") : undefined;
  const teacherOptions = { training: true, precision, rng, world };
  const features = featuresOf(teacher.model, [global], teacherOptions);
  const targets = teach(
    dinoBottleneck(features, teacher.params.head, teacherOptions),
    teacher.params.head.last_layer,
    center,
    { views: 2, teacherTemp, centerMomentum },
  );
  const groups = local === null ? [global] : [global, local];
  return {
    loss() {
      const options = { training: true, precision, rng: now.rng, world };
      const z = dinoBottleneck(
        featuresOf(student.model, groups, options),
        student.params.head,
        options,
      );
      const { last_layer } = student.params.head;
      return prototypeLoss(z, last_layer, targets.probabilities, { studentTemp, frozen });
    },
    means: { entropy: targets.entropy, center: targets.center },
    rows: { features },
  };
}

/**
 * Signals for the log. `teacherEntropy` is the mean entropy of the teacher's distributions in nats:
 * ln K if they are uniform, 0 if each has one prototype. `kl` is the KL divergence in nats from the
 * teacher to the student on other views. `featureStd` is the spread of the teacher's features over
 * the images.
 */
function dinoSignals({ loss, means, rows }: BatchResult) {
  const teacherEntropy = scalarReading(means.entropy!);
  return {
    centerNorm: lengthOf(means.center!),
    teacherEntropy,
    kl: combined([loss, teacherEntropy], (loss, entropy) => loss - entropy),
    featureStd: directionSpread(rows.features as tf.Tensor2D),
  };
}
