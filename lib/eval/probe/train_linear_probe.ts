/**
 * The training of linear classifiers on frozen features (the reference's `eval_linear.py`): SGD with momentum 0.9, no weight
 * decay, a cosine to 0 by the epoch, weights from N(0, 0.01), biases from 0. Several learning rates are tried in one pass: their
 * classifiers see the same batches.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import {
  createLinearProbe,
  disposeLinearProbe,
  type LinearProbe,
  linearProbeHits,
  linearProbeStep,
} from "lib/eval/probe/linear_heads.ts";
import type { Accuracy } from "lib/eval/nearest/rank.ts";
import { cosineSchedule } from "lib/train/schedules.ts";

/** Where a probe's features come from. */
export interface ProbeSource {
  /** D. */
  readonly dim: number;
  readonly labels: Int32Array;
  /** The features of some images in an epoch, `[indices, D]`; the caller owns them. */
  batch(indices: Uint32Array, epoch: number): tf.Tensor2D;
}

/** One whose features are waited for, as those of pictures in files. What stands in for a damaged picture has its own class. */
export interface AwaitedProbeSource extends Pick<ProbeSource, "dim" | "labels"> {
  batch(indices: Uint32Array, epoch: number): Promise<ProbeBatch>;
}

export interface ProbeBatch {
  /** `[B, D]`; who is given them frees them. */
  readonly features: tf.Tensor2D;
  /** `[B]`. */
  readonly labels: Int32Array;
}

/** BC-SSL's values are the defaults, and but for the batch (128 there) DINO's. */
export interface LinearProbeOptions {
  readonly numClasses: number;
  /** Peak rates for 256 images; each is scaled linearly with the batch. */
  readonly lrs?: readonly number[];
  readonly epochs?: number;
  readonly batchSize?: number;
}

/** After one epoch. */
export interface ProbeEpoch extends Accuracy {
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Mean over the epoch's batches, in nats. */
  readonly trainLoss: number;
}

/** One classifier's course. */
export interface ProbeCourse {
  /** For 256 images. */
  readonly lr: number;
  readonly last: ProbeEpoch;
  /** Of most correct test images, the first such. The reference prints this one's accuracy: it has seen the test images. */
  readonly best: ProbeEpoch;
  readonly epochs: readonly ProbeEpoch[];
}

/** A batch just taken. */
export interface ProbeStep {
  /** Batches done, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  /** `[L]`, before the step. */
  readonly losses: Float32Array;
  /** Of the classifier that is best so far, where an epoch has just ended. */
  readonly tested?: ProbeEpoch;
}

/**
 * Trains classifiers on `train` and tests them after every epoch on `test`, a batch at a time: ask for no more, and it stops.
 *
 * @throws {RangeError} If there is no image, a label is outside the classes, or an option is not positive.
 */
export function* trainLinearProbe(
  train: ProbeSource,
  test: ProbeSource,
  options: LinearProbeOptions,
  rng: Rng,
): Generator<ProbeStep, ProbeCourse[]> {
  const steps = probeSteps(train, test, options, rng);
  try {
    let next = steps.next();
    while (!next.done) {
      if ("losses" in next.value) {
        yield next.value;
        next = steps.next();
        continue;
      }
      const { indices, epoch } = next.value;
      const labels = labelsAt(train.labels, indices);
      next = steps.next({ features: train.batch(indices, epoch), labels });
    }
    return next.value;
  } finally {
    steps.return([]);
  }
}

/** {@linkcode trainLinearProbe} on features that are waited for. */
export async function* trainAwaitedProbe(
  train: AwaitedProbeSource,
  test: ProbeSource,
  options: LinearProbeOptions,
  rng: Rng,
): AsyncGenerator<ProbeStep, ProbeCourse[]> {
  const steps = probeSteps(train, test, options, rng);
  try {
    let next = steps.next();
    while (!next.done) {
      if ("losses" in next.value) {
        yield next.value;
        next = steps.next();
        continue;
      }
      next = steps.next(await train.batch(next.value.indices, next.value.epoch));
    }
    return next.value;
  } finally {
    steps.return([]);
  }
}

/** A batch that has to be fetched. */
interface Wanted {
  readonly indices: Uint32Array;
  readonly epoch: number;
}

/** The training itself: yields the batches it wants, and is given them; and the steps it takes. */
function* probeSteps(
  train: Pick<ProbeSource, "dim" | "labels">,
  test: ProbeSource,
  { numClasses, lrs = [0.001], epochs = 100, batchSize = 256 }: LinearProbeOptions,
  rng: Rng,
): Generator<Wanted | ProbeStep, ProbeCourse[], ProbeBatch> {
  check(train, test, { numClasses, lrs, epochs, batchSize });
  const rates = lrs.map((lr) => lr * batchSize / 256);
  const probe = createLinearProbe(train.dim, { numClasses, rates }, rng.fork("weight"));
  const courses = lrs.map((): ProbeEpoch[] => []);
  const count = train.labels.length;
  const stepsPerEpoch = Math.ceil(count / batchSize);
  const totalSteps = epochs * stepsPerEpoch;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = rng.fork("order").fork(epoch).permutation(count);
      const share = cosineSchedule(epoch, { base: 1, final: 0, totalSteps: epochs });
      const sums = lrs.map(() => 0);
      for (let i = 0; i < stepsPerEpoch; i++) {
        const indices = order.subarray(i * batchSize, (i + 1) * batchSize);
        const losses = stepOn(probe, yield { indices, epoch }, share);
        losses.forEach((loss, l) => sums[l]! += loss);
        const step = epoch * stepsPerEpoch + i + 1;
        if (i + 1 < stepsPerEpoch) yield { step, totalSteps, losses };
        else {
          accuracyOn(probe, test, batchSize).forEach((accuracy, l) =>
            courses[l]!.push({
              epoch: epoch + 1,
              trainLoss: sums[l]! / stepsPerEpoch,
              ...accuracy,
            })
          );
          yield { step, totalSteps, losses, tested: bestOf(courses.map((all) => all.at(-1)!)) };
        }
      }
    }
  } finally {
    disposeLinearProbe(probe);
  }
  return courses.map((course, l) => ({
    lr: lrs[l]!,
    last: course.at(-1)!,
    best: bestOf(course),
    epochs: course,
  }));
}

function stepOn(
  probe: LinearProbe,
  { features, labels }: ProbeBatch,
  share: number,
): Float32Array {
  try {
    return linearProbeStep(probe, features, labels, share);
  } finally {
    features.dispose();
  }
}

function accuracyOn(probe: LinearProbe, source: ProbeSource, batchSize: number): Accuracy[] {
  const count = source.labels.length;
  const sums = probe.rates.map(() => ({ top1: 0, top5: 0 }));
  for (let from = 0; from < count; from += batchSize) {
    const length = Math.min(batchSize, count - from);
    const indices = Uint32Array.from({ length }, (_, i) => from + i);
    const x = source.batch(indices, 0);
    linearProbeHits(probe, x, labelsAt(source.labels, indices)).forEach(({ top1, top5 }, l) => {
      sums[l]!.top1 += top1;
      sums[l]!.top5 += top5;
    });
    x.dispose();
  }
  return sums.map(({ top1, top5 }) => ({ top1: top1 / count, top5: top5 / count }));
}

function labelsAt(labels: Int32Array, indices: Uint32Array): Int32Array {
  return Int32Array.from(indices, (index) => labels[index]!);
}

function bestOf(epochs: readonly ProbeEpoch[]): ProbeEpoch {
  return epochs.reduce((best, epoch) => epoch.top1 > best.top1 ? epoch : best);
}

function check(
  train: Pick<ProbeSource, "dim" | "labels">,
  test: ProbeSource,
  { numClasses, lrs, epochs, batchSize }: Required<LinearProbeOptions>,
): void {
  const refuse = (why: string) => new RangeError(`Cannot train a linear probe: ${why}`);
  for (const [what, { labels }] of Object.entries({ training: train, test })) {
    if (labels.length === 0) throw refuse(`there are no ${what} images`);
    const wrong = labels.find((label) => !(label >= 0 && label < numClasses));
    if (wrong !== undefined) throw refuse(`label ${wrong} is not one of ${numClasses} classes`);
  }
  if (train.dim !== test.dim) {
    throw refuse(`training features have length ${train.dim}, test features ${test.dim}`);
  }
  for (const [what, value] of Object.entries({ epochs, batchSize })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw refuse(`need a positive integer ${what}, current is ${value}`);
    }
  }
  if (lrs.length === 0 || !lrs.every((lr) => lr > 0)) {
    throw refuse(`need positive learning rates, current are [${lrs.join(", ")}]`);
  }
}
