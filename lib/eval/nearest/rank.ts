/** The rank of the true class among all classes, and accuracies from it. */

/** Accuracies over some images, fractions. */
export interface Accuracy {
  /** Share of images whose class has the highest score. */
  readonly top1: number;
  /** Share of images whose class is among the five with the highest scores. */
  readonly top5: number;
}

/**
 * Counts the classes that rank before this one: those with a larger score, and those with an equal
 * score and a lower number. A NaN ranks last.
 */
export function rankOf(scores: Float32Array | Float64Array, label: number): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return scores.length;
  let rank = 0;
  for (let c = 0; c < scores.length; c++) {
    if (scores[c]! > own || (scores[c] === own && c < label)) rank++;
  }
  return rank;
}

/**
 * Accuracy of a classifier; equal logits are ranked by class number.
 *
 * @param logits `[N, C]`
 * @param labels `[N]`
 */
export function accuracyOf(logits: Float32Array, labels: Int32Array): Accuracy {
  const classes = logits.length / labels.length;
  let [top1, top5] = [0, 0];
  labels.forEach((label, row) => {
    const rank = rankOf(logits.subarray(row * classes, (row + 1) * classes), label);
    top1 += Number(rank < 1);
    top5 += Number(rank < 5);
  });
  return { top1: top1 / labels.length, top5: top5 / labels.length };
}
