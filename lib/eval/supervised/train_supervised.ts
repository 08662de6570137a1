/**
 * Trains a network with labels: the supervised twin of a self-supervised run, on the same images for
 * as many steps, or a pre-trained network that is fine-tuned on other images.
 */
import * as tf from "lib/tf.ts";
import type { ChannelStats } from "lib/augment/mod.ts";
import type { LabelledBatch, LabelledCrops } from "./labelled_crops.ts";
import type { RandomCropOptions } from "./random_crop.ts";
import type { Model } from "lib/models/mod.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { layerDecayScales } from "lib/models/layer_decay.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { type LoopOptions, runLength, trainingSteps } from "lib/train/loop.ts";
import type { Scales } from "lib/train/optimizer_state.ts";
import {
  later,
  numberOf,
  type Pending,
  pendingMap,
  readsAtOnce,
  scalarReading,
} from "lib/train/reading.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import { remember, StepGuard } from "lib/train/step_guard.ts";
import type { TrainedModel } from "lib/weights/trained_model.ts";

/**
 * The recipe of supervised training: AdamW, a warm-up and a cosine, random crops and flips,
 * cross-entropy.
 */
export interface SupervisedRecipe extends RandomCropOptions {
  readonly batchSize: number;
  readonly epochs: number;
  /** Peak learning rate for a batch of 256; it is scaled linearly with the batch size. */
  readonly lr: number;
  readonly warmupShare: number;
  readonly weightDecay: number;
  readonly stats: ChannelStats;
  /**
   * Factor of the learning rate from each group of layers to the one before it; by default 1. Only
   * families with groups have another (`lib/models/layer_decay.ts`).
   */
  readonly layerDecay?: number;
}

/** A network with a classifier, and the state of its training. */
export type SupervisedState = TrainedModel<Model>;

/** The mean loss of a batch. @param logits `[B, C]` @param labels `[B]` */
export type ClassifierLoss = (logits: tf.Tensor2D, labels: Int32Array) => tf.Scalar;

/** Where training begins, and what it minimises. */
export interface SupervisedOptions extends Pick<LoopOptions, "rng" | "done" | "wait" | "readsAt"> {
  /** By default the cross-entropy with the labels. */
  readonly loss?: ClassifierLoss;
}

export interface SupervisedStep {
  /** Number of steps so far, including this one. */
  readonly step: number;
  /** Mean loss of the batch before the step, in nats. */
  readonly loss: number;
  readonly lr: number;
}

/**
 * Trains a network in place, from step `done` to the end, one step for each value that the caller
 * asks for. A caller that stops asking stops the run.
 *
 * The order of the images, the crops and the schedules depend on the seed and the step alone. So a
 * run that was stopped and is resumed gives the same numbers as one that was never stopped.
 *
 * @param options.rng The run's random stream. The crops have their own stream.
 * @throws {RangeError} If an image has no class, there are fewer than one batch, or the loss is not
 *   finite.
 */
export async function* trainSupervised(
  state: SupervisedState,
  crops: Omit<LabelledCrops, typeof Symbol.dispose>,
  recipe: SupervisedRecipe,
  { loss = crossEntropy, ...options }: SupervisedOptions,
): AsyncGenerator<SupervisedStep> {
  const { batchSize, weightDecay, lr: base, warmupShare, layerDecay = 1 } = recipe;
  const { params, config } = state.model;
  const lrScales = layerDecayScales(parameters(params).keys(), config, layerDecay);
  const unknown = crops.labels.indexOf(-1);
  if (unknown >= 0) throw new RangeError(`Cannot train with classes: image ${unknown} has none`);
  const length = runLength(recipe, crops.count);
  const { totalSteps } = length;
  const schedule = {
    base: base * batchSize / 256,
    final: 0,
    totalSteps,
    warmupSteps: Math.round(warmupShare * totalSteps),
  };
  const dropPath = options.rng.fork("drop path");
  using guard = new StepGuard();
  yield* trainingSteps(crops, { ...options, length, batchSize }, (batch, step) => {
    const lr = cosineSchedule(step, schedule);
    const now = { lr, weightDecay, lrScales, loss, rng: dropPath.fork(step) };
    if (readsAtOnce()) return { loss: learn(state, batch, crops.size, now), lr };
    return pendingMap(issue(state, batch, crops.size, now, guard), (loss) => ({ loss, lr }));
  });
}

interface StepValues {
  readonly lr: number;
  readonly lrScales: Scales;
  readonly weightDecay: number;
  readonly loss: ClassifierLoss;
  readonly rng: Rng;
}

/** Takes one step. @returns The loss before it. */
function learn(
  { model, optimizer }: SupervisedState,
  batch: LabelledBatch,
  size: number,
  { rng, loss: lossOf, ...now }: StepValues,
): number {
  const weights = parameters(model.params);
  return tf.tidy(() => {
    const { value, grads } = gradientsOf(model, weights, batch, { size, rng, lossOf });
    const loss = checked(numberOf(scalarReading(value)));
    adamWStep(weights, grads, optimizer, now);
    return loss;
  });
}

/** The same step without reading a number, as `issueStep` of lib/ssl/method/step.ts. */
function issue(
  { model, optimizer }: SupervisedState,
  batch: LabelledBatch,
  size: number,
  { rng, loss: lossOf, ...now }: StepValues,
  guard: StepGuard,
): Pending<number> {
  const weights = parameters(model.params);
  return tf.tidy(() => {
    const others = namedVariables(model.params).values().filter(({ trainable }) => !trainable);
    const undoUnless = remember(others);
    const { value, grads } = gradientsOf(model, weights, batch, { size, rng, lossOf });
    const ok = guard.judge([value]);
    adamWStep(weights, grads, optimizer, { ...now, decided: { ok } });
    undoUnless(ok);
    const pending = later({ loss: scalarReading(value) });
    return pendingMap(pending, ({ loss }) => checked(loss)) as unknown as tf.TensorContainer;
  }) as unknown as Pending<number>;
}

function gradientsOf(
  model: Model,
  weights: ReadonlyMap<string, tf.Variable>,
  { pixels, labels }: LabelledBatch,
  { size, rng, lossOf }: {
    readonly size: number;
    readonly rng: Rng;
    readonly lossOf: ClassifierLoss;
  },
) {
  const x = tf.tensor4d(pixels, [labels.length, size, size, 3]);
  const loss = () => lossOf(model.forward(x, { training: true, rng }).logits!, labels);
  return lossAndGradients(loss, weights);
}

/** @throws {RangeError} If the loss is not finite. */
function checked(loss: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new RangeError(`Cannot take a supervised step: the loss is ${loss}; lower lr`);
}

/** Mean cross-entropy over the batch, in nats. @param logits `[B, C]` */
function crossEntropy(logits: tf.Tensor2D, labels: Int32Array): tf.Scalar {
  const target = tf.oneHot(tf.tensor1d(labels, "int32"), logits.shape[1]);
  return tf.losses.softmaxCrossEntropy(target, logits) as tf.Scalar;
}
