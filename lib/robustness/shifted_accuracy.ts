/** Accuracy of a network on pictures of another kind than its training pictures. */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { bestClass, type Classifier, scoresOf } from "lib/robustness/classifier.ts";

/** Accuracies, fractions. */
export interface ShiftedAccuracy {
  /** Number of images. */
  readonly images: number;
  /** Accuracy with all of the network's classes as candidates, which the paper reports. */
  readonly all: number;
  /**
   * Accuracy with only the set's classes as candidates, which is easier: the authors of ImageNet-A
   * and -R measure this. It equals `all` for a set of all classes.
   */
  readonly among: number;
  /** Number of the network's classes. Naming one of them at random is right once in so many. */
  readonly classes: number;
  /** Share of the largest class: the accuracy of always naming it, a fraction. */
  readonly largest: number;
}

export interface ShiftedAccuracyOptions {
  /** Classes of the set, if it has not all of the network's: `imageNetAClasses`. */
  readonly among?: readonly number[];
  /** Called with the number of images done. */
  readonly onProgress?: (images: number) => void;
}

/**
 * Measures accuracies.
 *
 * @param batches Labelled images, as `centerCrops` returns them.
 * @throws {RangeError} If there is no image, or a label is not among the candidates.
 */
export async function shiftedAccuracy(
  batches: AsyncIterable<ImageSet> | Iterable<ImageSet>,
  classify: Classifier,
  { among, onProgress }: ShiftedAccuracyOptions = {},
): Promise<ShiftedAccuracy> {
  const candidates = among && new Set(among);
  const labels: number[] = [];
  let [images, all, few, known] = [0, 0, 0, 0];
  for await (const batch of batches) {
    const scores = await scoresOf(classify, batch);
    const classes = scores.length / imageCount(batch);
    batch.labels.forEach((label, i) => {
      if (label < 0 || label >= classes || candidates?.has(label) === false) {
        throw new RangeError(
          `Cannot score ${batch.ids[i]} of "${batch.name}": its class ${label} is not among the ` +
            `${candidates?.size ?? classes} candidates`,
        );
      }
      const own = scores.subarray(i * classes, (i + 1) * classes);
      all += Number(bestClass(own) === label);
      few += Number(bestClass(own, among) === label);
    });
    images += imageCount(batch);
    labels.push(...batch.labels);
    known = classes;
    onProgress?.(images);
  }
  if (images === 0) throw new RangeError("Cannot measure an accuracy: there is no image");
  const largest = largestClassShare({ labels: Int32Array.from(labels) });
  return { images, all: all / images, among: few / images, classes: known, largest };
}

/**
 * Whether accuracies are too near chance to mean anything: their mean is not above the share of the
 * largest class by two standard errors of counting so many images.
 *
 * @param accuracies One for each seed, on sets of about the same size.
 * @throws {RangeError} If there is none.
 */
export function isNearChance(
  accuracies: readonly Pick<ShiftedAccuracy, "images" | "all" | "largest">[],
): boolean {
  if (accuracies.length === 0) throw new RangeError("Cannot compare with chance: no accuracy");
  const mean = (of: (own: (typeof accuracies)[number]) => number) =>
    accuracies.reduce((sum, own) => sum + of(own), 0) / accuracies.length;
  const largest = mean((own) => own.largest);
  const error = Math.sqrt(largest * (1 - largest) / mean(({ images }) => images));
  return mean(({ all }) => all) <= largest + 2 * error;
}

/**
 * Accuracy of always naming a set's largest class, a fraction. A result has to be above it to mean
 * anything.
 */
export function largestClassShare({ labels }: Pick<ImageSet, "labels">): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (labels.length > 0) return Math.max(...counts.values()) / labels.length;
  throw new RangeError("Cannot find the largest class: there is no image");
}
