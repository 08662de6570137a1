/**
 * Linear probes: linear classifiers on frozen features, tested after every epoch (the reference's
 * `eval_linear.py`). Weights start from N(0, 0.01), biases from 0. Several learning rates are tried
 * in one pass: their classifiers see the same batches.
 */
import type { Rng } from "lib/rng.ts";
import {
  createLinearProbe,
  disposeLinearProbe,
  type LinearProbe,
  linearProbeHits,
} from "lib/eval/probe/linear_heads.ts";
import {
  probeBatch,
  probeEpochs,
  type ProbeSource,
  probeSteps,
  wrongLabel,
} from "lib/eval/probe/probe_steps.ts";
import type { Accuracy } from "lib/eval/nearest/rank.ts";

/** How linear probes are trained; the defaults are BC-SSL's. */
export interface LinearProbeOptions {
  /** Number of classes. */
  readonly numClasses: number;
  /** Peak rates for 256 images; each is scaled linearly with the batch. */
  readonly lrs?: readonly number[];
  /** Passes over the training features; by default the reference's 100. */
  readonly epochs?: number;
  /** Features in a step. */
  readonly batchSize?: number;
}

/** What a classifier has reached after one epoch. */
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
  /** After the last epoch. */
  readonly last: ProbeEpoch;
  /**
   * The epoch with most correct test images, the first of equal ones. The reference prints its
   * accuracy, which is therefore chosen on the test images.
   */
  readonly best: ProbeEpoch;
  /** All epochs, in order. */
  readonly epochs: readonly ProbeEpoch[];
}

/** A batch that all probes have learned from. */
export interface ProbeStep {
  /** Batches done, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  /** `[L]`, before the step. */
  readonly losses: Float32Array;
  /** At the end of an epoch: the accuracy of the probe that is best after it. */
  readonly tested?: ProbeEpoch;
}

/**
 * Trains one probe per learning rate on `train`, tests them on `test` after every epoch, and yields
 * after every batch: who asks for no more stops it.
 *
 * @throws {RangeError} If there is no image, a label is outside the classes, or an option is not
 *   positive.
 */
export async function* trainLinearProbe(
  train: ProbeSource,
  test: ProbeSource,
  { numClasses, lrs = [0.001], epochs = probeEpochs, batchSize = probeBatch }: LinearProbeOptions,
  rng: Rng,
): AsyncGenerator<ProbeStep, ProbeCourse[]> {
  check(train, test, { numClasses, lrs, epochs, batchSize });
  const rates = lrs.map((lr) => lr * batchSize / probeBatch);
  const probe = createLinearProbe(train.dim, { numClasses, rates }, rng.fork("weight"));
  const courses = lrs.map((): ProbeEpoch[] => []);
  const batchesPerEpoch = Math.ceil(train.labels.length / batchSize);
  let sums = lrs.map(() => 0);
  try {
    for await (const batch of probeSteps(probe, train, { epochs, batchSize }, rng)) {
      const { epoch, step, totalSteps, losses } = batch;
      losses.forEach((loss, l) => sums[l]! += loss);
      if (!batch.endsEpoch) {
        yield { step, totalSteps, losses };
        continue;
      }
      const accuracies = await accuracyOn(probe, test, batchSize);
      accuracies.forEach((accuracy, l) =>
        courses[l]!.push({
          epoch: epoch + 1,
          trainLoss: sums[l]! / batchesPerEpoch,
          ...accuracy,
        })
      );
      sums = lrs.map(() => 0);
      yield { step, totalSteps, losses, tested: bestOf(courses.map((all) => all.at(-1)!)) };
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

/** Accuracy of each probe on all images of a source. */
async function accuracyOn(
  probe: LinearProbe,
  source: ProbeSource,
  batchSize: number,
): Promise<Accuracy[]> {
  const count = source.labels.length;
  const sums = probe.rates.map(() => ({ top1: 0, top5: 0 }));
  for (let from = 0; from < count; from += batchSize) {
    const length = Math.min(batchSize, count - from);
    const indices = Uint32Array.from({ length }, (_, i) => from + i);
    const { features, labels } = await source.batch(indices, 0);
    const hits = await linearProbeHits(probe, features, labels).finally(() => features.dispose());
    hits.forEach(({ top1, top5 }, l) => {
      sums[l]!.top1 += top1;
      sums[l]!.top5 += top5;
    });
  }
  return sums.map(({ top1, top5 }) => ({ top1: top1 / count, top5: top5 / count }));
}

function bestOf(epochs: readonly ProbeEpoch[]): ProbeEpoch {
  return epochs.reduce((best, epoch) => epoch.top1 > best.top1 ? epoch : best);
}

function check(
  train: Pick<ProbeSource, "dim" | "labels">,
  test: Pick<ProbeSource, "dim" | "labels">,
  { numClasses, lrs, epochs, batchSize }: Required<LinearProbeOptions>,
): void {
  const refuse = (why: string) => new RangeError(`Cannot train a linear probe: ${why}`);
  for (const [what, { labels }] of Object.entries({ training: train, test })) {
    if (labels.length === 0) throw refuse(`there are no ${what} images`);
    const wrong = wrongLabel(labels, numClasses);
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
