/** The area under the ROC curve, for sets of two classes. */

/**
 * The probability that an image of class 1 has a higher score than one of class 0; equal scores
 * count half. It is the area under the ROC curve (scikit-learn's `roc_auc_score`), by the sum of
 * ranks (Mann and Whitney 1947).
 *
 * @param scores `[N]`, higher for class 1; any increasing function of them gives the same.
 * @param labels `[N]`, 0 or 1.
 * @returns A fraction, 0 to 1; 0.5 is chance.
 * @throws {RangeError} If a class has no image, a label is neither 0 nor 1, a score is NaN, or there
 *   are not as many scores as labels.
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  requireScores(scores, labels);
  const order = Array.from(labels, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let pairs = 0; // of an image of class 1 above one of class 0
  let below = 0; // images of class 0 with lower scores
  for (let start = 0, end = 0; start < order.length; start = end) {
    const tied = [0, 0];
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) {
      tied[labels[order[end]!]!]!++;
    }
    pairs += tied[1]! * (below + tied[0]! / 2);
    below += tied[0]!;
    positives += tied[1]!;
  }
  if (positives === 0 || below === 0) {
    throw new RangeError(
      `Cannot compute the area under the ROC curve: class 1 has ${positives} images, class 0 ${below}`,
    );
  }
  return pairs / (positives * below);
}

function requireScores(scores: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (scores.length !== labels.length) {
    throw new RangeError(`Cannot score ${labels.length} images by ${scores.length} scores`);
  }
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 0 && labels[i] !== 1) {
      throw new RangeError(`Cannot score image ${i}: its label is ${labels[i]}, neither 0 nor 1`);
    }
    if (Number.isNaN(scores[i])) throw new RangeError(`Cannot score image ${i}: its score is NaN`);
  }
}
