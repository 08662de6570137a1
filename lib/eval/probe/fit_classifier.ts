/** A linear classifier to keep, on frozen features: trained as a linear probe is, and chosen without looking at test images. */
import type { Rng } from "lib/rng.ts";
import {
  createLinearProbe,
  disposeLinearProbe,
  linearProbeStep,
} from "lib/eval/probe/linear_heads.ts";
import type { ProbeSource } from "lib/eval/probe/train_linear_probe.ts";
import { cosineSchedule } from "lib/train/schedules.ts";

/** `features · weight + bias`, D features, C classes. */
export interface FittedClassifier {
  /** `[D, C]`, row by row. */
  readonly weight: Float32Array;
  /** `[C]` */
  readonly bias: Float32Array;
  /** Peak learning rate of the one chosen, for 256 images. */
  readonly lr: number;
  /** Of its last epoch, in nats. */
  readonly trainLoss: number;
}

export interface FitClassifierOptions {
  readonly numClasses: number;
  /** Peak rates for 256 images, as of a linear probe. */
  readonly lrs: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
}

/**
 * Trains a classifier for each learning rate side by side, as `trainLinearProbe` does, and gives the one whose last epoch
 * had the least loss on the training images.
 *
 * @returns Yields the fraction done; ask for no more, and it stops.
 * @throws {RangeError} If a label is outside the classes, or every rate diverged.
 */
export function* fitClassifier(
  train: ProbeSource,
  { numClasses, lrs, epochs, batchSize }: FitClassifierOptions,
  rng: Rng,
): Generator<number, FittedClassifier> {
  const wrong = train.labels.find((label) => !(label >= 0 && label < numClasses));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot fit a classifier: label ${wrong} is not one of ${numClasses} classes`,
    );
  }
  const rates = lrs.map((lr) => lr * batchSize / 256);
  const probe = createLinearProbe(train.dim, { numClasses, rates }, rng.fork("weight"));
  const count = train.labels.length;
  try {
    let sums = lrs.map(() => 0);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = rng.fork("order").fork(epoch).permutation(count);
      const share = cosineSchedule(epoch, { base: 1, final: 0, totalSteps: epochs });
      sums = lrs.map(() => 0);
      for (let from = 0; from < count; from += batchSize) {
        const indices = order.subarray(from, from + batchSize);
        const x = train.batch(indices, epoch);
        const labels = Int32Array.from(indices, (index) => train.labels[index]!);
        const losses = linearProbeStep(probe, x, labels, share);
        x.dispose();
        losses.forEach((loss, l) => sums[l]! += loss * indices.length / count);
        yield (epoch + Math.min(1, (from + batchSize) / count)) / epochs;
      }
    }
    const chosen = leastOf(sums);
    return {
      weight: columns(probe.weight.dataSync<"float32">(), chosen, numClasses, lrs.length),
      bias: columns(probe.bias.dataSync<"float32">(), chosen, numClasses, lrs.length),
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

/** Of `[rows, L·C]`, the C columns of one of L classifiers. */
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
