/** The supervised twin of a self-supervised run: the same network on the same images for as many steps, told the classes. */
import * as tf from "lib/tf.ts";
import { type ChannelStats, normalize, normalizeTable } from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/images.ts";
import { randomCrop } from "lib/eval/random_crop.ts";
import type { Model } from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import type { Rng } from "lib/rng.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { cosineSchedule } from "lib/train/schedules.ts";

/** How a network is trained on classes: AdamW, warm-up and a cosine, random crops and flips, cross-entropy. */
export interface SupervisedRecipe {
  readonly batchSize: number;
  readonly epochs: number;
  /** Peak, for 256 images; scaled linearly with the batch. */
  readonly lr: number;
  readonly warmupShare: number;
  readonly weightDecay: number;
  /** Smallest and largest share of an image's area that a crop takes, fractions. */
  readonly scale: readonly [number, number];
  readonly stats: ChannelStats;
}

export interface SupervisedStep {
  /** Steps done, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  /** Mean cross-entropy of the batch before the step, in nats. */
  readonly loss: number;
  readonly lr: number;
}

/**
 * Trains a network with a classifier, in place, a step at a time: ask for no more, and it stops. The last batch of an epoch is
 * dropped if it is not full.
 *
 * @throws {RangeError} If there are fewer images than one batch, or the loss is not finite.
 */
export function* trainSupervised(
  model: Model,
  set: ImageSet,
  recipe: SupervisedRecipe,
  rng: Rng,
): Generator<SupervisedStep, void> {
  const { batchSize, epochs, lr: base, warmupShare, weightDecay } = recipe;
  const stepsPerEpoch = Math.floor(imageCount(set) / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(`Cannot fill a batch of ${batchSize} from ${imageCount(set)} images`);
  }
  const totalSteps = stepsPerEpoch * epochs;
  const schedule = {
    base: base * batchSize / 256,
    final: 0,
    totalSteps,
    warmupSteps: Math.round(warmupShare * totalSteps),
  };
  const moments: OptimizerState = new Map();
  try {
    let order: Uint32Array = new Uint32Array();
    for (let step = 0; step < totalSteps; step++) {
      const [epoch, first] = [Math.floor(step / stepsPerEpoch), step % stepsPerEpoch * batchSize];
      if (first === 0) order = rng.fork("order").fork(epoch).permutation(imageCount(set));
      const indices = order.subarray(first, first + batchSize);
      const now = { lr: cosineSchedule(step, schedule), weightDecay };
      const crops = croppedBatch(set, indices, recipe, rng.fork("crops").fork(step));
      const loss = learn(model, crops, labelsAt(set, indices), moments, {
        ...now,
        rng: rng.fork("drop path").fork(step),
      });
      yield { step: step + 1, totalSteps, loss, lr: now.lr };
    }
  } finally {
    disposeOptimizer(moments);
  }
}

/** Normalised crops `[B, H, W, 3]`, values only. */
function croppedBatch(
  set: ImageSet,
  indices: Uint32Array,
  { scale, stats }: SupervisedRecipe,
  rng: Rng,
): tf.Tensor4D {
  const { height, width } = set;
  const size = height * width * 3;
  const pixels = new Float32Array(indices.length * size);
  const values = normalizeTable(stats);
  indices.forEach((index, i) =>
    normalize(randomCrop(set, index, scale, rng.fork(index)), values, pixels, i * size)
  );
  return tf.tensor4d(pixels, [indices.length, height, width, 3]);
}

/** One step. Frees `x`. @returns The loss before it. */
function learn(
  model: Model,
  x: tf.Tensor4D,
  labels: Int32Array,
  moments: OptimizerState,
  { rng, ...now }: { readonly lr: number; readonly weightDecay: number; readonly rng: Rng },
): number {
  const weights = parameters(model.params);
  try {
    return tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(model.forward(x, { training: true, rng }).logits!, labels),
        [...weights.values()],
      );
      const loss = value.dataSync()[0]!;
      if (!Number.isFinite(loss)) {
        throw new RangeError(`Cannot take a supervised step: the loss is ${loss}; lower lr`);
      }
      const byName = [...weights].map(([name, { name: id }]) => [name, grads[id]!] as const);
      adamWStep(weights, new Map(byName), moments, now);
      return loss;
    });
  } finally {
    x.dispose();
  }
}

/** Mean over the batch, in nats. @param logits `[B, C]` */
function crossEntropy(logits: tf.Tensor2D, labels: Int32Array): tf.Scalar {
  const target = tf.oneHot(tf.tensor1d(labels, "int32"), logits.shape[1]);
  return tf.losses.softmaxCrossEntropy(target, logits) as tf.Scalar;
}

function labelsAt({ labels }: ImageSet, indices: Uint32Array): Int32Array {
  return Int32Array.from(indices, (index) => labels[index]!);
}
