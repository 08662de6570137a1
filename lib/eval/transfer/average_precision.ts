/** PASCAL VOC's mean average precision of 2007, for images of several classes. */

/**
 * The mean over classes of {@linkcode elevenPointPrecision}. Like COCO's, it leaves out a class that
 * no image has, such as a rare one in a small validation part.
 *
 * @param scores `[N, C]`, row by row: higher where the class is in the image.
 * @param truth `[N, C]`: 1 the class is there, −1 it is not, 0 it is not counted.
 * @param classCount C.
 * @returns A fraction, 0 to 1.
 * @throws {RangeError} If the arrays are not as long as each other or no whole rows, if no image has
 *   a class, or a score is NaN.
 */
export function elevenPointMap(
  scores: ArrayLike<number>,
  truth: ArrayLike<number>,
  classCount: number,
): number {
  const images = truth.length / classCount;
  if (scores.length !== truth.length || !Number.isInteger(images)) {
    throw new RangeError(
      `Cannot score ${scores.length} scores by ${truth.length} labels in rows of ${classCount} classes`,
    );
  }
  const precisions: number[] = [];
  for (let c = 0; c < classCount; c++) {
    const column = (values: ArrayLike<number>) =>
      Array.from({ length: images }, (_, i) => values[i * classCount + c]!);
    const own = column(truth);
    if (own.some((value) => value > 0)) precisions.push(elevenPointPrecision(column(scores), own));
  }
  if (precisions.length === 0) {
    throw new RangeError("Cannot compute a mean average precision: no image has a class");
  }
  return precisions.reduce((sum, precision) => sum + precision, 0) / precisions.length;
}

/**
 * The average precision of one class (Everingham et al. 2010, section 3.4.1; the development kit's
 * `VOCevalcls`): images sorted by score, the mean over recalls r = 0, 0.1, …, 1 of the best
 * precision at a recall of r or more. Images with equal scores stay in their order.
 *
 * Differs: whether a recall is at least r is decided exactly, not in floating-point numbers, where
 * MATLAB finds 3/10 less than the third multiple of 0.1.
 *
 * @param scores `[N]`
 * @param truth `[N]`: 1 the class is there, −1 it is not, 0 it is not counted.
 * @returns A fraction, 0 to 1.
 * @throws {RangeError} If no image has the class, or a score is NaN.
 */
export function elevenPointPrecision(scores: readonly number[], truth: readonly number[]): number {
  const bad = scores.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`Cannot score image ${bad}: its score is NaN`);
  const positives = truth.filter((value) => value > 0).length;
  if (positives === 0) {
    throw new RangeError("Cannot compute an average precision: no image has the class");
  }
  const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const best = new Array<number>(11).fill(0); // of the precisions at a recall of k/10 or more
  let [found, counted] = [0, 0];
  for (const i of order) {
    if (truth[i] === 0) continue;
    counted++;
    if (truth[i]! > 0) found++;
    for (let k = 0; k <= 10 && 10 * found >= k * positives; k++) {
      best[k] = Math.max(best[k]!, found / counted);
    }
  }
  return best.reduce((sum, precision) => sum + precision, 0) / 11;
}
