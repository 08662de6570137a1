/** Training a Mask R-CNN: steps, and what of it a checkpoint holds. */
import * as tf from "lib/tf.ts";
import type { DetectorBatch, DetectorBatches } from "lib/detect/training/detector_batches.ts";
import { detectorLength, type DetectorRecipe } from "lib/detect/training/detector_recipe.ts";
import { layerDecayScales } from "lib/detect/training/layer_decay.ts";
import {
  type MaskRcnn,
  type MaskRcnnLosses,
  maskRcnnLosses,
} from "lib/detect/network/mask_rcnn.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { epochOrders } from "lib/train/epoch_orders.ts";
import { clipScales } from "lib/train/clip.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState, type Scales } from "lib/train/optimizer_state.ts";
import { stepSchedule } from "lib/train/schedules.ts";
import {
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
} from "lib/weights/training_state.ts";

/** Everything that a step changes, and so everything that a checkpoint holds. */
export interface DetectorState {
  readonly model: MaskRcnn;
  /** Empty before the first step. */
  readonly optimizer: OptimizerState;
}

/** Frees all of a run's tensors. */
export function disposeDetector({ model, optimizer }: DetectorState): void {
  model[Symbol.dispose]();
  disposeOptimizer(optimizer);
}

/** Losses are those of the batch before the step. */
export interface DetectorStep {
  /** Steps done, this one included. */
  readonly step: number;
  /** The sum of the five. */
  readonly loss: number;
  readonly objectnessLoss: number;
  readonly rpnBoxLoss: number;
  readonly classifierLoss: number;
  readonly boxLoss: number;
  readonly maskLoss: number;
  /** L2 norm of all gradients together, before clipping. */
  readonly gradNorm: number;
  readonly lr: number;
}

/**
 * Trains from step `done` to the end, in place, one step at a time: stop asking and it stops.
 *
 * Order, augmentation, samples and schedules are functions of the seed and the step alone, so a run
 * that was stopped goes on with the numbers it would have had.
 *
 * @param rng The run's stream; the batches' own is their business.
 * @param done Steps the state has taken already.
 * @throws {RangeError} If there are fewer pictures than one batch, or a loss is not finite.
 */
export async function* trainDetector(
  state: DetectorState,
  batches: DetectorBatches,
  recipe: DetectorRecipe,
  { rng, done }: { readonly rng: Rng; readonly done: number },
): AsyncGenerator<DetectorStep> {
  const { batchSize, lr: base, drops, warmupSteps } = recipe;
  const { stepsPerEpoch, totalSteps } = detectorLength(recipe, batches.count);
  const schedule = {
    base: base * batchSize / 16,
    drops: drops.map((share) => Math.round(share * totalSteps)),
    warmupSteps,
  };
  const { model } = state;
  const lrScales = layerDecayScales(
    parameters(model.params).keys(),
    model.config.backbone,
    recipe.layerDecay,
  );
  const pictures = epochOrders(rng.fork("order"), batches.count, { stepsPerEpoch, batchSize });
  for (let step = done; step < totalSteps; step++) {
    const batch = await batches.next(pictures(step), step);
    for (let later = step + 1; later < Math.min(step + 3, totalSteps); later++) {
      batches.prefetch(pictures(later), later);
    }
    const lr = stepSchedule(step, schedule);
    const learnt = learn(state, batch, recipe, { lr, lrScales, rng: rng.fork("step").fork(step) });
    yield { step: step + 1, ...learnt, lr };
  }
}

interface StepOptions {
  readonly lr: number;
  readonly lrScales: Scales;
  readonly rng: Rng;
}

/** One step. */
function learn(
  { model, optimizer }: DetectorState,
  { pixels: { values, height, width }, targets }: DetectorBatch,
  { optimizer: name, weightDecay, clipNorm }: DetectorRecipe,
  { lr, lrScales, rng }: StepOptions,
): Omit<DetectorStep, "step" | "lr"> {
  const weights = parameters(model.params);
  let losses: Omit<DetectorStep, "step" | "lr" | "gradNorm"> | undefined;
  let gradNorm = 0;
  tf.tidy(() => {
    const pixels = tf.tensor4d(values, [targets.length, height, width, 3]);
    const { grads } = lossAndGradients(() => {
      const parts = maskRcnnLosses(model, { pixels, targets }, rng);
      const total = tf.addN(Object.values(parts)) as tf.Scalar;
      losses = readLosses(total, parts);
      return total;
    }, weights);
    if (!Number.isFinite(losses!.loss)) {
      throw new RangeError(`Cannot take a detector's step: the loss is ${losses!.loss}; lower lr`);
    }
    const { scales, norm } = clipScales(grads, clipNorm || Infinity);
    gradNorm = norm;
    optimizerStep(name, weights, grads, optimizer, { lr, weightDecay, scales, lrScales });
  });
  return { ...losses!, gradNorm };
}

/** In one transfer, while the network's tensors are there. */
function readLosses(
  total: tf.Scalar,
  { objectness, rpnBox, classifier, box, mask }: MaskRcnnLosses,
): Omit<DetectorStep, "step" | "lr" | "gradNorm"> {
  const read = (x: tf.Scalar) => x.dataSync()[0]!;
  return {
    loss: read(total),
    objectnessLoss: read(objectness),
    rpnBoxLoss: read(rpnBox),
    classifierLoss: read(classifier),
    boxLoss: read(box),
    maskLoss: read(mask),
  };
}

/**
 * Writes the state after `step` steps: `model.…`, `optimizer.<weight>.<role>`, and a checksum.
 *
 * @throws {Error} As {@linkcode saveTrainingState}.
 */
export function saveDetector(path: string, state: DetectorState, step: number): void {
  saveTrainingState(path, trainingState(state), step);
}

/**
 * Reads a state of the same network, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of another network; the state is then unchanged.
 */
export function loadDetector(path: string, state: DetectorState): number {
  return loadTrainingState(path, trainingState(state)).step;
}

function trainingState({ model, optimizer }: DetectorState): TrainingState {
  return {
    variables: namedVariables({ model: model.params }),
    weights: namedVariables(model.params),
    optimizer,
  };
}
