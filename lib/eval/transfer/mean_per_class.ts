/** Accuracy that counts every class alike. */

/**
 * The mean over classes of the share of a class's images that are recognised: the recall, averaged.
 * Classes without an image do not count. It is scikit-learn's `balanced_accuracy_score`, and
 * ELEVATER's "mean per class".
 *
 * @param predicted `[N]`, the class that each image is taken for.
 * @param labels `[N]`, its class.
 * @returns A fraction, 0 to 1.
 * @throws {RangeError} If there are no images, not as many labels, or a label is not an index.
 */
export function meanPerClass(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (labels.length === 0 || predicted.length !== labels.length) {
    throw new RangeError(
      `Cannot score ${predicted.length} predictions: there are ${labels.length} labels`,
    );
  }
  const images = new Map<number, number>();
  const right = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0)) {
      throw new RangeError(`Cannot score image ${i}: its label is ${label}, not a class's index`);
    }
    images.set(label, (images.get(label) ?? 0) + 1);
    if (predicted[i] === label) right.set(label, (right.get(label) ?? 0) + 1);
  }
  const recalls = [...images].map(([label, count]) => (right.get(label) ?? 0) / count);
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}
