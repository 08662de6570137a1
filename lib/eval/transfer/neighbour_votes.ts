/** k-NN on stored features, for every metric of transfer: neighbours vote for their classes. */
import type { TransferMetric } from "lib/datasets/transfer/transfer_types.ts";
import type { FeatureBank } from "lib/eval/features/feature_bank.ts";
import { searchNeighbours } from "lib/eval/nearest/neighbours.ts";
import { featureCount, type TransferFeatures } from "./transfer_features.ts";
import { transferScore } from "./transfer_score.ts";

export interface NeighbourOptions {
  readonly metric: TransferMetric;
  /** Neighbours that vote; where there are fewer images, all do. By default 20. */
  readonly k?: number;
}

/** A neighbour's vote weighs exp(cosine / temperature), as by default in `knnSteps`. */
const temperature = 0.07;

/**
 * The score of a k-NN, weighted as in `knnSteps`. Where images have several classes, a neighbour
 * votes for each of its own, and a class's score is its share of all votes.
 *
 * @returns A fraction, 0 to 1. Yields the fraction done.
 */
export async function* neighbourProbe(
  train: TransferFeatures,
  test: TransferFeatures,
  { metric, k = 20 }: NeighbourOptions,
): AsyncGenerator<number, number> {
  const { numClasses, labels, several } = train.truth;
  const width = Math.min(k, featureCount(train));
  const nearest = yield* searchNeighbours(asBank(train), asBank(test), width);
  const scores = new Float64Array(featureCount(test) * numClasses);
  for (let row = 0; row < featureCount(test); row++) {
    const own = scores.subarray(row * numClasses, (row + 1) * numClasses);
    let total = 0;
    for (let j = row * width; j < (row + 1) * width; j++) {
      const index = nearest.indices[j]!;
      const vote = Math.exp(nearest.similarities[j]! / temperature);
      total += vote;
      if (several === undefined) own[labels[index]!]! += vote;
      else own.forEach((_, c) => own[c]! += several[index * numClasses + c] === 1 ? vote : 0);
    }
    own.forEach((votes, c) => own[c] = votes / total);
  }
  return transferScore(metric, scores, test.truth);
}

function asBank({ dim, truth: { labels }, gather }: TransferFeatures): FeatureBank {
  const rows = (from: number, to: number) =>
    gather(Array.from({ length: to - from }, (_, i) => from + i));
  return { dim, labels, rows };
}
