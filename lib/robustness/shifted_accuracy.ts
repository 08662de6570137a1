/** How often a network is right on pictures of another kind than it was trained on. */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { bestClass, type Classifier, scoresOf } from "lib/robustness/classifier.ts";

/** Accuracies, fractions. */
export interface ShiftedAccuracy {
  /** Images counted. */
  readonly images: number;
  /** With all of the network's classes as candidates: what the paper reports. */
  readonly all: number;
  /**
   * With only the set's classes as candidates, which is easier: how the authors of ImageNet-A and -R measure. Equal to `all` for
   * a set of all classes.
   */
  readonly among: number;
}

export interface ShiftedAccuracyOptions {
  /** The set's classes, for a set that has not all of the network's: `imageNetAClasses`. */
  readonly among?: readonly number[];
  /** Told how many images are done. */
  readonly onProgress?: (images: number) => void;
}

/**
 * @param batches Labelled images, as `centerCrops` gives them.
 * @throws {RangeError} If there is no image, or one's label is none of the candidates.
 */
export async function shiftedAccuracy(
  batches: AsyncIterable<ImageSet> | Iterable<ImageSet>,
  classify: Classifier,
  { among, onProgress }: ShiftedAccuracyOptions = {},
): Promise<ShiftedAccuracy> {
  const candidates = among && new Set(among);
  let [images, all, few] = [0, 0, 0];
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
    onProgress?.(images);
  }
  if (images === 0) throw new RangeError("Cannot measure an accuracy: there is no image");
  return { images, all: all / images, among: few / images };
}

/** What always naming a set's largest class would score, a fraction: the least that a number has to be above to say anything. */
export function largestClassShare({ labels }: Pick<ImageSet, "labels">): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (labels.length > 0) return Math.max(...counts.values()) / labels.length;
  throw new RangeError("Cannot find the largest class: there is no image");
}
