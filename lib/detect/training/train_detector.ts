/** Trains a Mask R-CNN. */
import * as tf from "lib/tf.ts";
import type { DetectorBatch, DetectorBatches } from "./detector_batches.ts";
import { detectorLength, type DetectorRecipe } from "./detector_recipe.ts";
import { layerDecayScales } from "lib/models/layer_decay.ts";
import {
  type MaskRcnn,
  type MaskRcnnLosses,
  maskRcnnLosses,
} from "lib/detect/network/mask_rcnn.ts";
import { parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { clipScales } from "lib/train/clip.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import type { Scales } from "lib/train/optimizer_state.ts";
import { type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import { stepSchedule } from "lib/train/schedules.ts";
import type { TrainedModel } from "lib/weights/trained_model.ts";

/** A detector in training. */
export type DetectorState = TrainedModel<MaskRcnn>;

/** Losses are those of the batch before the step. */
export interface DetectorStep {
  /** Steps done, this one included. */
  readonly step: number;
  /** Sum of the five losses. */
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
 * Trains in place from step `done` to the end. The generator makes one step at a time: the run
 * stops when the caller stops asking for steps.
 *
 * Order, augmentation, samples and schedules depend only on the seed and the step, so a run that
 * was stopped goes on with the same numbers as without the stop.
 *
 * @param options.rng The run's stream. The batches have a stream of their own.
 * @throws {RangeError} If there are fewer pictures than one batch, or a loss is not finite.
 */
export function trainDetector(
  state: DetectorState,
  batches: DetectorBatches,
  recipe: DetectorRecipe,
  options: Pick<LoopOptions, "rng" | "done" | "wait">,
): AsyncGenerator<DetectorStep> {
  const { batchSize, lr: base, drops, warmupSteps, layerDecay } = recipe;
  const length = detectorLength(recipe, batches.count);
  const schedule = {
    base: base * batchSize / 16,
    drops: drops.map((share) => Math.round(share * length.totalSteps)),
    warmupSteps,
  };
  const { params, config: { backbone } } = state.model;
  const lrScales = layerDecayScales(
    parameters(params).keys(),
    backbone,
    layerDecay,
    "backbone.body.",
  );
  const samples = options.rng.fork("step");
  return trainingSteps(batches, { ...options, length, batchSize }, (batch, step) => {
    const lr = stepSchedule(step, schedule);
    return { ...learn(state, batch, recipe, { lr, lrScales, rng: samples.fork(step) }), lr };
  });
}

interface StepOptions {
  readonly lr: number;
  readonly lrScales: Scales;
  readonly rng: Rng;
}

/** Makes one training step. */
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

/** Reads the values of all losses, before the step frees their tensors. */
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
