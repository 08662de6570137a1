/**
 * The loop that trains linear classifiers on frozen features (the reference's `eval_linear.py`):
 * SGD with momentum 0.9, no weight decay, and a cosine to 0 that moves once per epoch.
 *
 * B images of a batch, D features, L learning rates.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { type LinearProbe, linearProbeStep } from "lib/eval/probe/linear_heads.ts";
import { readsAtOnce, readTogether, type Taken, takeValues } from "lib/train/reading.ts";
import { cosineSchedule } from "lib/train/schedules.ts";

/** Epochs of a linear probe in BC-SSL and DINO. */
export const probeEpochs = 100;

/** Batch of a linear probe in BC-SSL; DINO's is 128. Learning rates are stated for this batch. */
export const probeBatch = 256;

/** Where a probe's features come from. */
export interface ProbeSource {
  /** D. */
  readonly dim: number;
  /** Class of every image, `[N]`. */
  readonly labels: Int32Array;
  /** Reads the features of some images; `epoch` counts from 0 and decides augmented crops. */
  batch(indices: Uint32Array, epoch: number): Promise<ProbeBatch>;
}

/** Features with their classes. A picture that stands in for a damaged one has its own class. */
export interface ProbeBatch {
  /** `[B, D]`; the receiver frees them. */
  readonly features: tf.Tensor2D;
  /** `[B]`. */
  readonly labels: Int32Array;
}

/** One batch that all classifiers have learned from. */
export interface ProbeBatchStep {
  /** From 0. */
  readonly epoch: number;
  /** Batches done, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly endsEpoch: boolean;
  /** B. */
  readonly images: number;
  /** `[L]`, mean cross-entropy before the step, in nats. */
  readonly losses: Float32Array;
}

/** How long, and on how many images at a time. */
export interface ProbeLength {
  readonly epochs: number;
  readonly batchSize: number;
}

/**
 * Trains `probe` on all images of `train` for some epochs, each in a new random order, and yields
 * after every batch: who asks for no more stops it. The caller owns the probe. Where losses are not
 * read at once, the probe may be up to nine batches further than what is yielded, but within the
 * epoch.
 */
export function probeSteps(
  probe: LinearProbe,
  train: ProbeSource,
  length: ProbeLength,
  rng: Rng,
): AsyncGenerator<ProbeBatchStep, void> {
  return readTogether(takenSteps(probe, train, length, rng));
}

async function* takenSteps(
  probe: LinearProbe,
  train: ProbeSource,
  { epochs, batchSize }: ProbeLength,
  rng: Rng,
): AsyncGenerator<Taken<ProbeBatchStep>> {
  const count = train.labels.length;
  const stepsPerEpoch = Math.ceil(count / batchSize);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = rng.fork("order").fork(epoch).permutation(count);
    const share = cosineSchedule(epoch, { base: 1, final: 0, totalSteps: epochs });
    for (let i = 0; i < stepsPerEpoch; i++) {
      const indices = order.subarray(i * batchSize, (i + 1) * batchSize);
      const values = stepOn(probe, await train.batch(indices, epoch), share);
      const step = {
        epoch,
        step: epoch * stepsPerEpoch + i + 1,
        totalSteps: epochs * stepsPerEpoch,
        endsEpoch: i + 1 === stepsPerEpoch,
        images: indices.length,
      };
      const finish = (losses: Float32Array) => ({ ...step, losses });
      const numbers = readsAtOnce() ? finish(await takeValues(values)) : { values, finish };
      yield { numbers, isDue: step.endsEpoch };
    }
  }
}

function stepOn(
  probe: LinearProbe,
  { features, labels }: ProbeBatch,
  share: number,
): tf.Tensor1D {
  try {
    return linearProbeStep(probe, features, labels, share);
  } finally {
    features.dispose();
  }
}

/** The first label that is not one of the classes; `undefined` if there is none. */
export function wrongLabel(labels: Int32Array, numClasses: number): number | undefined {
  return labels.find((label) => !(label >= 0 && label < numClasses));
}
