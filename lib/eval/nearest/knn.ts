/**
 * Weighted k-NN classification of frozen features (Wu et al. 2018; the reference's `eval_knn.py`):
 * neighbours are ranked by cosine similarity, and each votes for its class with the weight
 * exp(similarity / T).
 *
 * N training images, M test images, D features.
 */
import type { FeatureBank, LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import { rankOf } from "lib/eval/nearest/rank.ts";
import {
  type Neighbours,
  type SearchBlocks,
  searchNeighbours,
} from "lib/eval/nearest/neighbours.ts";

export interface KnnOptions extends SearchBlocks {
  readonly numClasses: number;
  /**
   * Numbers of neighbours; where k exceeds N, all N vote. By default the reference's 10, 20, 100
   * and 200.
   */
  readonly ks?: readonly number[];
  readonly temperature?: number;
}

/** Accuracies for one k, fractions of the test images. */
export interface KnnAccuracy {
  /** Number of neighbours that vote. */
  readonly k: number;
  /** Share of images whose class has the most votes. */
  readonly top1: number;
  /** With k below five, the true class counts if it is among the first k, as in the reference. */
  readonly top5: number;
}

/** The reference's numbers of neighbours. */
export const referenceKs = [10, 20, 100, 200] as const;

/**
 * k-NN accuracy for each k, from one search. It yields the fraction done after every block, so that
 * the caller can pause, or stop by asking for no more.
 *
 * Classes with equal votes, such as those that no neighbour has, are ranked by their number.
 *
 * @throws {RangeError} If a set is empty, rows and labels differ in number, a label is outside the
 *   classes, or a feature is not finite.
 */
export async function* knnSteps(
  train: LabelledFeatures | FeatureBank,
  test: LabelledFeatures | FeatureBank,
  { numClasses, ks = referenceKs, temperature = 0.07, ...blocks }: KnnOptions,
): AsyncGenerator<number, KnnAccuracy[]> {
  for (const { labels } of [train, test]) checkLabels(labels, numClasses);
  const most = Math.min(Math.max(...ks), train.labels.length);
  const neighbours = yield* searchNeighbours(train, test, most, blocks);
  return ks.map((k) => ({
    k,
    ...voteAccuracy(neighbours, train.labels, test.labels, {
      k: Math.min(k, most),
      numClasses,
      temperature,
    }),
  }));
}

function checkLabels(labels: Int32Array, numClasses: number): void {
  const wrong = labels.find((label) => !(label >= 0 && label < numClasses));
  if (wrong === undefined) return;
  throw new RangeError(`Cannot vote for class ${wrong}: there are ${numClasses} classes`);
}

function voteAccuracy(
  { k: width, indices, similarities }: Neighbours,
  trainLabels: Int32Array,
  testLabels: Int32Array,
  { k, numClasses, temperature }: { k: number; numClasses: number; temperature: number },
): { top1: number; top5: number } {
  let [top1, top5] = [0, 0];
  const votes = new Float64Array(numClasses);
  testLabels.forEach((label, row) => {
    votes.fill(0);
    for (let j = row * width; j < row * width + k; j++) {
      const neighbour = trainLabels[indices[j]!]!;
      votes[neighbour]! += Math.exp(similarities[j]! / temperature);
    }
    const rank = rankOf(votes, label);
    top1 += Number(rank === 0);
    top5 += Number(rank < Math.min(5, k));
  });
  return { top1: top1 / testLabels.length, top5: top5 / testLabels.length };
}
