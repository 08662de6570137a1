/** The score of a transfer set by the set's own metric. */
import type { TransferMetric } from "lib/datasets/transfer/transfer_types.ts";
import { elevenPointMap } from "./average_precision.ts";
import { meanPerClass } from "./mean_per_class.ts";
import { rocAuc } from "./roc_auc.ts";
import type { TransferTruth } from "./transfer_features.ts";

/**
 * Scores images by a metric.
 *
 * @param scores `[N, C]`, row by row, higher where the class is more likely. Of equal scores, the
 *   class with the lower number is predicted.
 * @returns A fraction, 0 to 1; 0 if a score is not finite, as after a training that diverged.
 * @throws {RangeError} If the metric cannot be computed: see each.
 */
export function transferScore(
  metric: TransferMetric,
  scores: Float32Array | Float64Array,
  truth: TransferTruth,
): number {
  const { labels, numClasses, several } = truth;
  if (!scores.every(Number.isFinite)) return 0;
  switch (metric) {
    case "accuracy": {
      const predicted = bestClasses(scores, numClasses);
      return labels.reduce((sum, label, i) => sum + Number(label === predicted[i]), 0) /
        labels.length;
    }
    case "meanPerClass":
      return meanPerClass(bestClasses(scores, numClasses), labels);
    case "rocAuc":
      return rocAuc(margins(scores), labels);
    case "map11":
      return elevenPointMap(scores, several!, numClasses);
    default: {
      const unknown: never = metric;
      throw new RangeError(`Unknown metric "${unknown}"`);
    }
  }
}

/** `[N]`, the class of the highest score. */
function bestClasses(scores: ArrayLike<number>, numClasses: number): Int32Array {
  return Int32Array.from({ length: scores.length / numClasses }, (_, row) => {
    let best = 0;
    for (let c = 1; c < numClasses; c++) {
      if (scores[row * numClasses + c]! > scores[row * numClasses + best]!) best = c;
    }
    return best;
  });
}

/** `[N]`, how much higher class 1 scores than class 0. */
function margins(scores: ArrayLike<number>): number[] {
  return Array.from(
    { length: scores.length / 2 },
    (_, row) => scores[2 * row + 1]! - scores[2 * row]!,
  );
}
