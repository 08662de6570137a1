/** The supervised twin of a self-supervised run: the same network on the same images for as many steps, told the classes. */
import * as tf from "lib/tf.ts";
import type { ChannelStats } from "lib/augment/mod.ts";
import type { LabelledBatch, LabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import type { RandomCropOptions } from "lib/eval/supervised/random_crop.ts";
import type { Model } from "lib/models/mod.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { epochOrders } from "lib/train/epoch_orders.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import {
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
} from "lib/weights/training_state.ts";

/** How a network is trained on classes: AdamW, warm-up and a cosine, random crops and flips, cross-entropy. */
export interface SupervisedRecipe extends RandomCropOptions {
  readonly batchSize: number;
  readonly epochs: number;
  /** Peak, for 256 images; scaled linearly with the batch. */
  readonly lr: number;
  readonly warmupShare: number;
  readonly weightDecay: number;
  readonly stats: ChannelStats;
}

/** Everything that a step changes, and so everything that a checkpoint holds. */
export interface SupervisedState {
  /** With a classifier. */
  readonly model: Model;
  /** Empty before the first step. */
  readonly optimizer: OptimizerState;
}

/** Frees all of a run's tensors. */
export function disposeSupervised({ model, optimizer }: SupervisedState): void {
  model[Symbol.dispose]();
  disposeOptimizer(optimizer);
}

export interface SupervisedStep {
  /** Steps done, this one included. */
  readonly step: number;
  /** Mean cross-entropy of the batch before the step, in nats. */
  readonly loss: number;
  readonly lr: number;
}

/** The length of a run. The last batch of an epoch is dropped if it is not full. */
export interface SupervisedLength {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** @throws {RangeError} If there are fewer images than one batch. */
export function supervisedLength(
  { batchSize, epochs }: Pick<SupervisedRecipe, "batchSize" | "epochs">,
  imageCount: number,
): SupervisedLength {
  const stepsPerEpoch = Math.floor(imageCount / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(`Cannot fill a batch of ${batchSize} from ${imageCount} images`);
  }
  return { stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
}

/**
 * Trains from step `done` to the end, in place, one step at a time: stop asking and it stops.
 *
 * Order, crops and schedules are functions of the seed and the step alone, so a run that was stopped goes on with the numbers it
 * would have had.
 *
 * @param rng The run's stream; the crops' own is their business.
 * @param done Steps the state has taken already.
 * @throws {RangeError} If an image has no class, there are fewer than one batch, or the loss is not finite.
 */
export async function* trainSupervised(
  state: SupervisedState,
  crops: Omit<LabelledCrops, typeof Symbol.dispose>,
  recipe: SupervisedRecipe,
  { rng, done }: { readonly rng: Rng; readonly done: number },
): AsyncGenerator<SupervisedStep> {
  const { batchSize, lr: base, warmupShare, weightDecay } = recipe;
  const count = crops.labels.length;
  const unknown = crops.labels.indexOf(-1);
  if (unknown >= 0) throw new RangeError(`Cannot train with classes: image ${unknown} has none`);
  const { stepsPerEpoch, totalSteps } = supervisedLength(recipe, count);
  const schedule = {
    base: base * batchSize / 256,
    final: 0,
    totalSteps,
    warmupSteps: Math.round(warmupShare * totalSteps),
  };
  const images = epochOrders(rng.fork("order"), count, { stepsPerEpoch, batchSize });
  for (let step = done; step < totalSteps; step++) {
    const batch = await crops.next(images(step), step);
    for (let later = step + 1; later < Math.min(step + 3, totalSteps); later++) {
      crops.prefetch(images(later), later);
    }
    const lr = cosineSchedule(step, schedule);
    const dropPath = rng.fork("drop path").fork(step);
    const loss = learn(state, batch, crops.size, { lr, weightDecay, rng: dropPath });
    yield { step: step + 1, loss, lr };
  }
}

/**
 * Writes the state after `step` steps: `model.…`, `optimizer.<weight>.first|second`, and a checksum.
 *
 * @throws {Error} As {@linkcode saveTrainingState}.
 */
export function saveSupervised(path: string, state: SupervisedState, step: number): void {
  saveTrainingState(path, trainingState(state), step);
}

/**
 * Reads a state of the same network, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of another network; the state is then unchanged.
 */
export function loadSupervised(path: string, state: SupervisedState): number {
  return loadTrainingState(path, trainingState(state)).step;
}

function trainingState({ model, optimizer }: SupervisedState): TrainingState {
  return {
    variables: namedVariables({ model: model.params }),
    weights: namedVariables(model.params),
    optimizer,
  };
}

/** One step. @returns The loss before it. */
function learn(
  { model, optimizer }: SupervisedState,
  { pixels, labels }: LabelledBatch,
  size: number,
  { rng, ...now }: { readonly lr: number; readonly weightDecay: number; readonly rng: Rng },
): number {
  const weights = parameters(model.params);
  return tf.tidy(() => {
    const x = tf.tensor4d(pixels, [labels.length, size, size, 3]);
    const { value, grads } = tf.variableGrads(
      () => crossEntropy(model.forward(x, { training: true, rng }).logits!, labels),
      [...weights.values()],
    );
    const loss = value.dataSync()[0]!;
    if (!Number.isFinite(loss)) {
      throw new RangeError(`Cannot take a supervised step: the loss is ${loss}; lower lr`);
    }
    const byName = [...weights].map(([name, { name: id }]) => [name, grads[id]!] as const);
    adamWStep(weights, new Map(byName), optimizer, now);
    return loss;
  });
}

/** Mean over the batch, in nats. @param logits `[B, C]` */
function crossEntropy(logits: tf.Tensor2D, labels: Int32Array): tf.Scalar {
  const target = tf.oneHot(tf.tensor1d(labels, "int32"), logits.shape[1]);
  return tf.losses.softmaxCrossEntropy(target, logits) as tf.Scalar;
}
