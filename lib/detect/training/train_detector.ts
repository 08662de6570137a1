/** Trains a Mask R-CNN. */
import * as tf from "lib/tf.ts";
import type { DetectorBatch, DetectorBatches } from "./detector_batches.ts";
import { detectorLength, type DetectorRecipe } from "./detector_recipe.ts";
import { layerDecayScales } from "lib/models/layer_decay.ts";
import { type MaskRcnn, maskRcnnLosses, proposeRegions } from "lib/detect/network/mask_rcnn.ts";
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { clipOnDevice, clipScales, normOf } from "lib/train/clip.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import type { Scales } from "lib/train/optimizer_state.ts";
import { type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import {
  later,
  type Pending,
  pendingMap,
  type Reading,
  readNow,
  readsAtOnce,
  scalarReading,
} from "lib/train/reading.ts";
import { stepSchedule } from "lib/train/schedules.ts";
import { remember, StepGuard } from "lib/train/step_guard.ts";
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
  options: Pick<LoopOptions, "rng" | "done" | "wait" | "readsAt">,
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
  const guard = new StepGuard();
  const steps = trainingSteps(batches, { ...options, length, batchSize }, (batch, step) => {
    const lr = stepSchedule(step, schedule);
    const now = { lr, lrScales, rng: samples.fork(step) };
    if (readsAtOnce()) return { ...learn(state, batch, recipe, now), lr };
    const withRate = (numbers: StepNumbers) => ({ ...numbers, lr });
    return issue(state, batch, recipe, now, guard).then((taken) => pendingMap(taken, withRate));
  });
  return withGuard(guard, steps);
}

/** Disposes of a guard at the end of the steps. */
async function* withGuard<T>(guard: StepGuard, steps: AsyncGenerator<T>): AsyncGenerator<T> {
  using _ = guard;
  yield* steps;
}

type StepNumbers = Omit<DetectorStep, "step" | "lr">;

interface StepOptions {
  readonly lr: number;
  readonly lrScales: Scales;
  readonly rng: Rng;
}

/** Makes one training step. */
function learn(
  { model, optimizer }: DetectorState,
  batch: DetectorBatch,
  { optimizer: name, weightDecay, clipNorm }: DetectorRecipe,
  { lr, lrScales, rng }: StepOptions,
): StepNumbers {
  const weights = parameters(model.params);
  return tf.tidy(() => {
    const { losses, grads } = gradientsOf(model, weights, pixelsOf(batch), batch, rng);
    const read = readNow(losses);
    requireFinite(read.loss);
    const { scales, norm } = clipScales(grads, clipNorm || Infinity);
    optimizerStep(name, weights, grads, optimizer, { lr, weightDecay, scales, lrScales });
    return { ...read, gradNorm: norm };
  });
}

/**
 * The same step without reading its numbers, as `issueStep` of lib/ssl/method/step.ts. It reads one
 * thing: the scores by which the regions are proposed that the heads learn from.
 */
async function issue(
  { model, optimizer }: DetectorState,
  batch: DetectorBatch,
  { optimizer: name, weightDecay, clipNorm }: DetectorRecipe,
  { lr, lrScales, rng }: StepOptions,
  guard: StepGuard,
): Promise<Pending<StepNumbers>> {
  const pixels = pixelsOf(batch);
  const weights = parameters(model.params);
  const { targets } = batch;
  try {
    const proposals = await proposeRegions(model, { pixels, targets }, rng);
    return tf.tidy(() => {
      const buffers = namedVariables(model.params).values().filter(({ trainable }) => !trainable);
      const undoUnless = remember(buffers);
      const { losses, grads } = gradientsOf(model, weights, pixels, batch, rng, proposals);
      const { squares, scales } = clipOnDevice(grads, clipNorm || Infinity);
      const ok = guard.judge(losses.loss.tensors);
      const values = { lr, weightDecay, lrScales, decided: { ok, scales } };
      optimizerStep(name, weights, grads, optimizer, values);
      undoUnless(ok);
      return pendingMap(later({ ...losses, gradNorm: normOf(squares) }), (read) => {
        requireFinite(read.loss);
        return read;
      }) as unknown as tf.TensorContainer;
    }) as unknown as Pending<StepNumbers>;
  } finally {
    pixels.dispose();
  }
}

function pixelsOf({ pixels: { values, height, width }, targets }: DetectorBatch): tf.Tensor4D {
  return tf.tensor4d(values, [targets.length, height, width, 3]);
}

function requireFinite(loss: number): void {
  if (Number.isFinite(loss)) return;
  throw new RangeError(`Cannot take a detector's step: the loss is ${loss}; lower lr`);
}

/** Losses and gradients of a batch. Call it in a `tidy`. */
function gradientsOf(
  model: MaskRcnn,
  weights: ReadonlyMap<string, tf.Variable>,
  pixels: tf.Tensor4D,
  { targets }: DetectorBatch,
  rng: Rng,
  proposals?: readonly Boxes[],
) {
  const kept: tf.Tensor[] = [];
  const { grads } = lossAndGradients(() => {
    const parts = maskRcnnLosses(model, { pixels, targets }, rng, { proposals });
    const total = tf.addN(Object.values(parts)) as tf.Scalar;
    const { objectness, rpnBox, classifier, box, mask } = parts;
    // Clones have the same memory, and are not freed with the tape.
    const all = [total, objectness, rpnBox, classifier, box, mask];
    kept.push(...all.map((loss) => tf.keep(loss.clone())));
    return total;
  }, weights);
  const own = kept.map((loss) => scalarReading(loss.clone()));
  tf.dispose(kept);
  const [loss, objectnessLoss, rpnBoxLoss, classifierLoss, boxLoss, maskLoss] = own as [
    ...[Reading, Reading, Reading, Reading, Reading, Reading],
  ];
  const losses = { loss, objectnessLoss, rpnBoxLoss, classifierLoss, boxLoss, maskLoss };
  return { losses, grads };
}
