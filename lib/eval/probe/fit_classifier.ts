/**
 * A linear classifier to keep, on frozen features: trained as a linear probe, chosen by its
 * training loss.
 */
import type { Rng } from "lib/rng.ts";
import { createLinearProbe, disposeLinearProbe } from "lib/eval/probe/linear_heads.ts";
import {
  probeBatch,
  probeEpochs,
  type ProbeSource,
  probeSteps,
  wrongLabel,
} from "lib/eval/probe/probe_steps.ts";

/** Logits are `features · weight + bias`. D features, C classes. */
export interface FittedClassifier {
  /** `[D, C]`, row by row. */
  readonly weight: Float32Array;
  /** `[C]` */
  readonly bias: Float32Array;
  /** Its peak learning rate, for 256 images. */
  readonly lr: number;
  /** Mean over the images of its last epoch, in nats. */
  readonly trainLoss: number;
}

/** How a classifier is fitted; length and batch are a linear probe's unless given. */
export interface FitClassifierOptions {
  readonly numClasses: number;
  /** Peak rates for 256 images, as a linear probe's. */
  readonly lrs: readonly number[];
  readonly epochs?: number;
  readonly batchSize?: number;
}

/**
 * Trains a classifier for each learning rate side by side, with the steps of `trainLinearProbe`,
 * and returns the one whose last epoch had the least loss on the training images. No test image is
 * used.
 *
 * @returns Yields the fraction done; who asks for no more stops it.
 * @throws {RangeError} If a label is outside the classes, or every rate diverged.
 */
export async function* fitClassifier(
  train: ProbeSource,
  { numClasses, lrs, epochs = probeEpochs, batchSize = probeBatch }: FitClassifierOptions,
  rng: Rng,
): AsyncGenerator<number, FittedClassifier> {
  const wrong = wrongLabel(train.labels, numClasses);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot fit a classifier: label ${wrong} is not one of ${numClasses} classes`,
    );
  }
  const rates = lrs.map((lr) => lr * batchSize / probeBatch);
  const probe = createLinearProbe(train.dim, { numClasses, rates }, rng.fork("weight"));
  const count = train.labels.length;
  let [sums, lastEpoch] = [lrs.map(() => 0), 0];
  let images = 0;
  try {
    for await (const step of probeSteps(probe, train, { epochs, batchSize }, rng)) {
      if (step.epoch !== lastEpoch) [sums, lastEpoch, images] = [lrs.map(() => 0), step.epoch, 0];
      step.losses.forEach((loss, l) => sums[l]! += loss * step.images / count);
      images += step.images;
      yield (step.epoch + images / count) / epochs;
    }
    const chosen = leastOf(sums);
    return {
      weight: columns(await probe.weight.data<"float32">(), chosen, numClasses, lrs.length),
      bias: columns(await probe.bias.data<"float32">(), chosen, numClasses, lrs.length),
      lr: lrs[chosen]!,
      trainLoss: sums[chosen]!,
    };
  } finally {
    disposeLinearProbe(probe);
  }
}

/** Index of the least finite number. */
function leastOf(losses: readonly number[]): number {
  const finite = losses.map((loss) => Number.isFinite(loss) ? loss : Infinity);
  const least = Math.min(...finite);
  if (least < Infinity) return finite.indexOf(least);
  throw new RangeError("Cannot fit a classifier: at every rate the loss is not finite; try lower");
}

/** Takes the C columns of one of L classifiers out of `[rows, L·C]`. */
function columns(
  values: Float32Array,
  classifier: number,
  numClasses: number,
  count: number,
): Float32Array {
  const rows = values.length / (numClasses * count);
  const start = (row: number) => (row * count + classifier) * numClasses;
  const out = new Float32Array(rows * numClasses);
  for (let row = 0; row < rows; row++) {
    out.set(values.subarray(start(row), start(row) + numClasses), row * numClasses);
  }
  return out;
}
