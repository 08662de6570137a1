import { createRng } from "lib/rng.ts";
import { bankOf } from "lib/eval/features/feature_bank.ts";
import { neighbourProbe } from "./neighbour_votes.ts";
import { transferFeatures } from "./transfer_features.ts";
import { elevenPointMap } from "./average_precision.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { knnAccuracy } from "lib/testing/evaluation.ts";
import { drain } from "lib/testing/steps.ts";

const rng = createRng(3);
const dim = 4;
const part = (count: number) => ({
  features: Float32Array.from({ length: count * dim }, () => rng.normal()),
  labels: Int32Array.from({ length: count }, () => rng.int(3)),
});
const [train, test] = [part(50), part(30)];

Deno.test("neighbourProbe() has the accuracy of the k-NN, and with fewer images all vote", async () => {
  const truthOf = ({ labels }: typeof train) => ({ numClasses: 3, labels });
  const parts = [train, test].map((set) => transferFeatures(bankOf(set, "test's"), truthOf(set)));
  for (const k of [5, 20, 80]) {
    const score = await drain(neighbourProbe(parts[0]!, parts[1]!, { metric: "accuracy", k }));
    const accuracies = await knnAccuracy(train, test, { numClasses: 3, ks: [k] });
    assertEquals(score, accuracies[0]!.top1);
  }
});

Deno.test("neighbourProbe() scores each class by its share of the votes where images have several", async () => {
  const several = ({ labels }: typeof train) =>
    Int8Array.from(Array.from(labels).flatMap((c) => [c < 2 ? 1 : -1, c === 1 ? 0 : c - 1]));
  const make = (set: typeof train) =>
    transferFeatures(bankOf(set, "test's"), {
      numClasses: 2,
      labels: new Int32Array(set.labels.length).fill(-1),
      several: several(set),
    });
  const cosine = (i: number, j: number) => {
    let [dot, a, b] = [0, 0, 0];
    for (let d = 0; d < dim; d++) {
      const [x, y] = [test.features[i * dim + d]!, train.features[j * dim + d]!];
      [dot, a, b] = [dot + x * y, a + x * x, b + y * y];
    }
    return dot / Math.sqrt(a * b);
  };
  const truth = several(train);
  const scores = Array.from(test.labels).flatMap((_, i) => {
    const near = Array.from(train.labels, (_, j) => ({ j, weight: Math.exp(cosine(i, j) / 0.07) }))
      .sort((a, b) => b.weight - a.weight).slice(0, 7);
    const total = near.reduce((sum, { weight }) => sum + weight, 0);
    return [0, 1].map((c) =>
      near.reduce((sum, { j, weight }) => sum + (truth[2 * j + c] === 1 ? weight : 0), 0) / total
    );
  });
  const expected = elevenPointMap(scores, several(test), 2);
  const score = await drain(neighbourProbe(make(train), make(test), { metric: "map11", k: 7 }));
  assertClose(score, expected, 1e-9);
});
