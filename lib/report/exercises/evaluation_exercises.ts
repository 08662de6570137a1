/** Exercises about measuring: votes, errors, boxes, heat maps, and what several numbers say together. */
import { pairwiseIou } from "lib/detect/boxes/boxes.ts";
import { asks } from "lib/report/exercises/exercise_types.ts";
import { ranksOf } from "lib/stats/friedman.ts";
import { holm } from "lib/stats/holm.ts";
import { meanAndError, pairedDifference } from "lib/stats/statistics.ts";

export const evaluationExercises = {
  /** The class that a k-NN gives, by DINO's weights. */
  knnVote: asks(
    "00_start",
    (labels: number[], cosines: number[], temperature: number) => {
      const votes = new Map<number, number>();
      labels.forEach((label, i) =>
        votes.set(label, (votes.get(label) ?? 0) + Math.exp(cosines[i]! / temperature))
      );
      return [...votes].reduce((best, vote) => vote[1] > best[1] ? vote : best)[0];
    },
    [[7, 3, 3], [0.9, 0.5, 0.4], 0.07], // one near neighbour outweighs two far ones
    [[7, 3, 3], [0.9, 0.89, 0.88], 0.07],
    [[1, 2, 2], [0.5, 0.4, 0.4], 1],
  ),
  /** Accuracy of always naming the most frequent class. */
  majorityShare: asks(
    "00b_baselines",
    (labels: number[]) =>
      Math.max(...Map.groupBy(labels, (label) => label).values().map(({ length }) => length)) /
      labels.length,
    [[0, 1, 1, 2]],
    [[5, 5, 5]],
  ),
  /** Standard error of the mean of some seeds. */
  standardError: asks(
    "00b_baselines",
    (values: number[]) => meanAndError(values).standardError,
    [[0.5, 0.52, 0.57]],
    [[1, 3]],
  ),
  /** What a change gains over seeds that are paired: its mean and its standard error. */
  pairedGain: asks(
    "03b_when",
    (before: number[], after: number[]) => {
      const { mean, standardError } = pairedDifference(after, before);
      return [mean, standardError];
    },
    [[0.4, 0.5, 0.6], [0.42, 0.51, 0.63]],
    [[0.3, 0.7], [0.29, 0.72]],
  ),
  /** How well two boxes agree; a box is left, top, right, bottom. */
  intersectionOverUnion: asks(
    "05_coco",
    (a: number[], b: number[]) => pairwiseIou(Float32Array.from(a), Float32Array.from(b))[0]!,
    [[0, 0, 2, 2], [1, 1, 3, 3]],
    [[0, 0, 1, 1], [2, 0, 3, 1]],
    [[0, 0, 4, 2], [0, 0, 4, 2]],
  ),
  /** Mean corruption error: by corruption, error at all severities beside a reference's. */
  meanCorruptionError: asks(
    "06_robustness",
    (errors: number[][], reference: number[][]) => {
      const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
      return sum(errors.map((all, i) => sum(all) / sum(reference[i]!))) / errors.length;
    },
    [[[0.2, 0.4], [0.1, 0.1]], [[0.4, 0.8], [0.1, 0.3]]],
    [[[0.5, 0.5, 0.8]], [[0.5, 0.5, 0.8]]],
  ),
  /** Grad-CAM before it is scaled: channels by positions, and the slopes of the class's logit. */
  gradCamHeat: asks(
    "07_cam",
    (maps: number[][], slopes: number[][]) => {
      const weights = slopes.map((all) => all.reduce((sum, slope) => sum + slope, 0) / all.length);
      return maps[0]!.map((_, position) =>
        Math.max(maps.reduce((sum, map, c) => sum + weights[c]! * map[position]!, 0), 0)
      );
    },
    [[[1, 0, 2], [0, 3, 1]], [[1, 1, 1], [-1, 0, -2]]],
    [[[1, 2]], [[0.5, 1.5]]],
  ),
  /** Cosine of two feature vectors. */
  cosine: asks(
    "07b_look_inside",
    (a: number[], b: number[]) =>
      a.reduce((sum, value, i) => sum + value * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b),
    [[1, 0], [1, 1]],
    [[1, 2, 3], [-2, -4, -6]],
  ),
  /** Magnitude of a kernel's spectrum at frequency 0. */
  spectrumAtZero: asks(
    "07b_look_inside",
    (kernel: number[]) => Math.abs(kernel.reduce((sum, weight) => sum + weight, 0)),
    [[1, 1, 1, 1]],
    [[-1, 0, 1, 0, -1, 0.5, 0, 0, 0]],
  ),
  /** Index of the measurement at which training stops: the best, once so many were no better. */
  stoppedAt: asks(
    "08_knn_monitor",
    (accuracies: number[], patience: number) => {
      let best = 0;
      for (let i = 1; i < accuracies.length && i - best <= patience; i++) {
        if (accuracies[i]! > accuracies[best]!) best = i;
      }
      return best;
    },
    [[0.1, 0.3, 0.2, 0.25, 0.5], 2],
    [[0.1, 0.3, 0.2, 0.25, 0.5], 3],
    [[0.4, 0.3], 5],
  ),
  /** p-values after Holm's method, in their own order. */
  holmAdjusted: asks(
    "09_claims",
    (pValues: number[]) => holm(pValues),
    [[0.01, 0.04, 0.03]],
    [[0.6, 0.5]],
  ),
  /** Rank of each score, 1 the highest; equal ones share the mean of their ranks. */
  ranks: asks(
    "11_transfer",
    (scores: number[]) => ranksOf(scores),
    [[0.5, 0.9, 0.7]],
    [[0.8, 0.8, 0.1]],
  ),
};
