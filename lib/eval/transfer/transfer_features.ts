/**
 * Stored features of a transfer set with what is true of each image, and parts of them: validation
 * images, a few images of each class.
 *
 * N images, D features, C classes.
 */
import type { Rng } from "lib/rng.ts";
import type { FeatureBank } from "lib/eval/features/feature_bank.ts";

/** What is true of each of N images. */
export interface TransferTruth {
  /** C. */
  readonly numClasses: number;
  /** `[N]`, the class of each image; −1 where an image has several. */
  readonly labels: Int32Array;
  /**
   * Only in sets whose images have several classes: `[N, C]`, row by row, 1 the class is there, −1
   * it is not, 0 it is not counted.
   */
  readonly several?: Int8Array;
}

/** Features of N images, and what is true of them. */
export interface TransferFeatures {
  /** D. */
  readonly dim: number;
  readonly truth: TransferTruth;
  /** Copies the rows at `indices`, `[B, D]`. */
  gather(indices: ArrayLike<number>): Float32Array;
}

/** N. */
export function featureCount({ truth: { labels } }: Pick<TransferFeatures, "truth">): number {
  return labels.length;
}

/**
 * Joins features and truth.
 *
 * @throws {RangeError} If they differ in number, or an image has no class.
 */
export function transferFeatures(bank: FeatureBank, truth: TransferTruth): TransferFeatures {
  const { dim, labels } = bank;
  const { numClasses, several } = truth;
  if (labels.length !== truth.labels.length) {
    throw new RangeError(
      `Cannot use ${labels.length} features: there are ${truth.labels.length} labels`,
    );
  }
  const wrong = truth.labels.findIndex((label) => !(label >= 0 && label < numClasses));
  if (!several && wrong >= 0) {
    throw new RangeError(
      `Cannot use image ${wrong}: its label is ${
        truth.labels[wrong]
      }, not one of ${numClasses} classes`,
    );
  }
  return {
    dim,
    truth,
    gather: (indices) => {
      const values = new Float32Array(indices.length * dim);
      Array.from(indices, (index, i) => values.set(bank.rows(index, index + 1), i * dim));
      return values;
    },
  };
}

/** The features of the images at `indices`, in that order. */
export function selectFeatures(
  { dim, truth, gather }: TransferFeatures,
  indices: ArrayLike<number>,
): TransferFeatures {
  const order = Array.from(indices);
  return {
    dim,
    truth: selectTruth(truth, order),
    gather: (chosen) => gather(Array.from(chosen, (i) => order[i]!)),
  };
}

/** What is true of the images at `indices`, in that order. */
export function selectTruth(
  { numClasses, labels, several }: TransferTruth,
  indices: readonly number[],
): TransferTruth {
  return {
    numClasses,
    labels: Int32Array.from(indices, (index) => labels[index]!),
    ...(several && {
      several: Int8Array.from(
        indices.flatMap((index) => [
          ...several.subarray(index * numClasses, (index + 1) * numClasses),
        ]),
      ),
    }),
  };
}

/** Images to search settings on, and images to choose them by. */
export interface ValidationSplit {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/**
 * ELEVATER's split: the first images of each class, as many as its share rounded up, are for
 * validation. Images with several classes count as one class.
 *
 * @throws {RangeError} If a part is left without an image.
 */
export function firstOfEachClass(truth: TransferTruth, share: number): ValidationSplit {
  return splitEachClass(truth, share, (members) => members);
}

/** The same split with the images of each class in random order. */
export function randomOfEachClass(truth: TransferTruth, share: number, rng: Rng): ValidationSplit {
  return splitEachClass(truth, share, (members) => shuffled(members, rng));
}

function splitEachClass(
  truth: TransferTruth,
  share: number,
  order: (members: readonly number[]) => readonly number[],
): ValidationSplit {
  const validation = membersByClass(truth)
    .flatMap((members) => order(members).slice(0, Math.ceil(share * members.length)))
    .sort((a, b) => a - b);
  const held = new Set(validation);
  const train = Array.from(truth.labels, (_, i) => i).filter((i) => !held.has(i));
  if (train.length > 0 && validation.length > 0) return { train, validation };
  throw new RangeError(
    `Cannot hold out images for validation: ${truth.labels.length} images leave ` +
      `${train.length} to train on; take two or more of each class`,
  );
}

/**
 * Chooses a few images of each class at random; of a smaller class it takes all. Where images have
 * several classes, each class in turn gets as many images that have it and are not chosen yet.
 *
 * @returns Indices, in the order of the set.
 * @throws {RangeError} If `shots` is not a positive integer.
 */
export function fewOfEachClass(truth: TransferTruth, shots: number, rng: Rng): number[] {
  if (!(Number.isInteger(shots) && shots >= 1)) {
    throw new RangeError(`Cannot take ${shots} images of each class: need a positive integer`);
  }
  const { numClasses, several } = truth;
  const chosen = new Set<number>();
  const take = (members: readonly number[]) =>
    shuffled(members, rng).filter((i) => !chosen.has(i)).slice(0, shots)
      .forEach((i) => chosen.add(i));
  if (several === undefined) membersByClass(truth).forEach(take);
  else {
    const images = Array.from(truth.labels, (_, i) => i);
    for (let c = 0; c < numClasses; c++) {
      take(images.filter((i) => several[i * numClasses + c] === 1));
    }
  }
  return [...chosen].sort((a, b) => a - b);
}

/** Indices of the images of each class, by the class's number. */
function membersByClass({ labels }: TransferTruth): number[][] {
  const byClass = Map.groupBy(Array.from(labels, (_, i) => i), (i) => labels[i]!);
  return [...byClass].sort(([a], [b]) => a - b).map(([, members]) => members);
}

function shuffled(members: readonly number[], rng: Rng): number[] {
  return Array.from(rng.permutation(members.length), (i) => members[i]!);
}
