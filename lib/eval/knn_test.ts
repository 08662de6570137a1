import { createRng } from "lib/rng.ts";
import { knnAccuracy, type LabelledFeatures, nearestNeighbours } from "lib/eval/knn.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

/** Clusters around random class centres, so that accuracies are neither 0 nor 1. */
function clusters(count: number, dim: number, classes: number, seed: number): LabelledFeatures {
  const centres = createRng(99);
  const centre = Array.from({ length: classes * dim }, () => centres.normal());
  const rng = createRng(seed);
  const labels = Int32Array.from({ length: count }, () => rng.int(classes));
  const features = Float32Array.from(
    { length: count * dim },
    (_, i) => centre[labels[Math.floor(i / dim)]! * dim + i % dim]! + rng.normal(0, 1.5),
  );
  return { features, labels };
}

/** The definition, in plain arrays. */
function naive(train: LabelledFeatures, test: LabelledFeatures, k: number, classes: number) {
  const dim = train.features.length / train.labels.length;
  const row = ({ features }: LabelledFeatures, i: number) =>
    features.subarray(i * dim, (i + 1) * dim);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  let [top1, top5] = [0, 0];
  test.labels.forEach((label, i) => {
    const query = row(test, i);
    const ranked = [...train.labels].map((label, j) => {
      const other = row(train, j);
      const similarity = dot(query, other) / Math.sqrt(dot(query, query) * dot(other, other));
      return { label, similarity };
    }).sort((a, b) => b.similarity - a.similarity).slice(0, k);
    const votes = new Array<number>(classes).fill(0);
    for (const { label, similarity } of ranked) votes[label]! += Math.exp(similarity / 0.07);
    const order = votes.map((_, c) => c).sort((a, b) => votes[b]! - votes[a]! || a - b);
    top1 += Number(order[0] === label);
    top5 += Number(order.slice(0, 5).includes(label));
  });
  return { top1: top1 / test.labels.length, top5: top5 / test.labels.length };
}

for (const [n, m, dim, classes] of [[300, 600, 8, 7], [40, 5, 3, 12]] as const) {
  Deno.test(`knnAccuracy() equals the definition: ${n} train, ${m} test, ${classes} classes`, () => {
    const [train, test] = [clusters(n, dim, classes, 1), clusters(m, dim, classes, 2)];
    for (
      const { k, top1, top5 } of knnAccuracy(train, test, { numClasses: classes, ks: [1, 10, 20] })
    ) {
      const expected = naive(train, test, k, classes);
      assertClose([top1, top5], [expected.top1, expected.top5]);
    }
  });
}

Deno.test("knnAccuracy() takes all neighbours where there are fewer than k", () => {
  const [train, test] = [clusters(12, 4, 3, 1), clusters(30, 4, 3, 2)];
  const [few, many] = knnAccuracy(train, test, { numClasses: 3, ks: [12, 200] });
  assertEquals(few!.top1, many!.top1);
});

Deno.test("nearestNeighbours() ignores lengths and sorts by cosine", () => {
  const train = { features: Float32Array.of(0, 5, 3, 3, 0.1, 0), labels: Int32Array.of(0, 1, 2) };
  const test = { features: Float32Array.of(7, 1), labels: Int32Array.of(0) };
  const { indices, similarities } = nearestNeighbours(train, test, 3);
  assertEquals([...indices], [2, 1, 0]);
  assertClose(similarities, [7 / Math.sqrt(50), 8 / 10, 1 / Math.sqrt(50)]);
});

Deno.test("knnAccuracy() throws on an empty set, a label out of range, and other lengths", () => {
  const good = clusters(10, 4, 3, 1);
  const empty = { features: new Float32Array(), labels: new Int32Array() };
  assertThrows(() => knnAccuracy(empty, good, { numClasses: 3 }), RangeError, "training");
  assertThrows(() => knnAccuracy(good, good, { numClasses: 2 }), RangeError, "class 2");
  assertThrows(
    () => knnAccuracy(good, clusters(10, 5, 3, 1), { numClasses: 3 }),
    RangeError,
    "length 4",
  );
});
