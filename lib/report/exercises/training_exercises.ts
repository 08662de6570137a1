/** Exercises about training without labels: targets, averages, losses, schedules. */
import { effectiveRank } from "lib/eval/quality/effective_rank.ts";
import { asks } from "lib/report/exercises/exercise_types.ts";
import { cosineSchedule } from "lib/train/schedules.ts";

function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

export const trainingExercises = {
  /** Steps until a moving average has forgotten half of what it was. */
  halfLife: asks(
    "00_start",
    (momentum: number) => Math.log(0.5) / Math.log(momentum),
    [0.996],
    [0.5],
  ),
  /** What DINO's teacher tells the student: centred, then sharpened. */
  teacherTarget: asks(
    "00_start",
    (logits: number[], centre: number[], temperature: number) =>
      softmax(logits.map((logit, i) => (logit - centre[i]!) / temperature)),
    [[1, 2, 3], [0, 0, 0], 1],
    [[1, 2, 3], [0.9, 2.1, 3], 0.04],
  ),
  /** Learning rate for a batch, when the recipe names it for 256 images. */
  scaledRate: asks(
    "04_imagenet",
    (rate: number, batchSize: number) => rate * batchSize / 256,
    [0.0005, 1024],
    [0.002, 64],
  ),
  /** Learning rate of a step on half a cosine from `base` to `final`. */
  cosineRate: asks(
    "04_imagenet",
    (step: number, steps: number, base: number, final: number) =>
      cosineSchedule(step, { base, final, totalSteps: steps }),
    [0, 100, 1, 0.1],
    [50, 100, 1, 0.1],
    [75, 100, 0.002, 1e-6],
  ),
  /** Loss in nats of a view that has to find its partner among others. */
  infoNce: asks(
    "10_methods",
    (cosines: number[], partner: number, temperature: number) =>
      -Math.log(softmax(cosines.map((cosine) => cosine / temperature))[partner]!),
    [[0.9, 0.1, -0.2], 0, 0.5],
    [[0.3, 0.3, 0.3, 0.3], 2, 0.1],
  ),
  /** Entropy of a distribution in nats. */
  entropy: asks(
    "12_collapse",
    (shares: number[]) =>
      shares.reduce((sum, share) => share > 0 ? sum - share * Math.log(share) : sum, 0),
    [[0.25, 0.25, 0.25, 0.25]],
    [[1, 0, 0]],
    [[0.7, 0.2, 0.1]],
  ),
  /** RankMe: how many directions features use, from their singular values. */
  effectiveRank: asks(
    "12_collapse",
    (singularValues: number[]) => effectiveRank(singularValues),
    [[2, 2, 2]],
    [[5, 0, 0]],
    [[3, 2, 1]],
  ),
};
