import { createRng } from "lib/rng.ts";
import { bankOf, type LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import { knnSteps } from "lib/eval/nearest/knn.ts";
import { nearestNeighbours, searchNeighbours } from "lib/eval/nearest/neighbours.ts";
import { planKnn } from "lib/eval/nearest/knn_plan.ts";
import golden from "lib/eval/nearest/golden/knn.json" with { type: "json" };
import { assertClose, assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeakAsync } from "lib/testing/leaks.ts";
import { knnAccuracy } from "lib/testing/evaluation.ts";

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

/** Rows of ±1 of length 4: their cosines are −1, −½, 0, ½ and 1 exactly, and most are equal. */
function ties(count: number, seed: number): LabelledFeatures {
  const rng = createRng(seed);
  const features = Float32Array.from({ length: 4 * count }, () => rng.bernoulli(0.5) ? 1 : -1);
  return { features, labels: Int32Array.from({ length: count }, () => rng.int(9)) };
}

/** All rows of the bank for one query, best first; of equal cosines, the lower row first. */
function ranked(train: LabelledFeatures, test: LabelledFeatures, query: number) {
  const dim = train.features.length / train.labels.length;
  const row = ({ features }: LabelledFeatures, i: number) =>
    features.subarray(i * dim, (i + 1) * dim);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  const probe = row(test, query);
  return [...train.labels].map((label, index) => {
    const other = row(train, index);
    const similarity = dot(probe, other) / Math.sqrt(dot(probe, probe) * dot(other, other));
    return { label, index, similarity };
  }).sort((a, b) => b.similarity - a.similarity || a.index - b.index);
}

/** k-NN by its definition, in plain arrays. */
function naive(train: LabelledFeatures, test: LabelledFeatures, k: number, classes: number) {
  let [top1, top5] = [0, 0];
  test.labels.forEach((label, i) => {
    const votes = new Array<number>(classes).fill(0);
    for (const { label, similarity } of ranked(train, test, i).slice(0, k)) {
      votes[label]! += Math.exp(similarity / 0.07);
    }
    const order = votes.map((_, c) => c).sort((a, b) => votes[b]! - votes[a]! || a - b);
    top1 += Number(order[0] === label);
    top5 += Number(order.slice(0, Math.min(5, k)).includes(label));
  });
  return { top1: top1 / test.labels.length, top5: top5 / test.labels.length };
}

for (const [n, m, dim, classes] of [[300, 600, 8, 7], [40, 5, 3, 12]] as const) {
  Deno.test(`knnAccuracy() equals the definition: ${n} train, ${m} test, ${classes} classes`, async () => {
    const [train, test] = [clusters(n, dim, classes, 1), clusters(m, dim, classes, 2)];
    for (
      const { k, top1, top5 } of await knnAccuracy(train, test, {
        numClasses: classes,
        ks: [1, 10, 20],
      })
    ) {
      const expected = naive(train, test, k, classes);
      assertClose([top1, top5], [expected.top1, expected.top5]);
    }
  });
}

Deno.test("knnAccuracy() equals DINO's formula in PyTorch, neighbour by neighbour", async () => {
  const set = (features: number[], labels: number[]) => ({
    features: Float32Array.from(features),
    labels: Int32Array.from(labels),
  });
  const train = set(golden.train, golden.trainLabels);
  const test = set(golden.test, golden.testLabels);
  const count = test.labels.length;
  const ks = golden.hits.map(({ k }) => k);
  const rows = await knnAccuracy(train, test, { numClasses: golden.classes, ks });
  assertEquals(
    rows.map(({ k, top1, top5 }) => ({
      k,
      top1: Math.round(top1 * count),
      top5: Math.round(top5 * count),
    })),
    golden.hits,
  );
  const { indices, similarities } = await nearestNeighbours(train, test, 10);
  assertEquals([...indices], golden.nearest10);
  assertClose(similarities, golden.cosines10, 1e-6);
});

for (const blocks of [{}, { bankRows: 7, queryRows: 5 }, { bankRows: 64, queryRows: 1 }]) {
  Deno.test(`equal cosines are ranked by row, whatever the blocks: ${JSON.stringify(blocks)}`, async () => {
    const [train, test] = [ties(150, 1), ties(33, 2)];
    for (const k of [1, 2, 40, 150]) {
      const { indices, similarities } = await nearestNeighbours(train, test, k, blocks);
      const expected = [...test.labels].flatMap((_, i) => ranked(train, test, i).slice(0, k));
      assertEquals([...indices], expected.map(({ index }) => index));
      assertClose(similarities, expected.map(({ similarity }) => similarity));
    }
  });
}

Deno.test("knnAccuracy() gives the same for any blocks, in memory or read row by row", async () => {
  const [train, test] = [clusters(500, 6, 9, 1), clusters(70, 6, 9, 2)];
  const whole = await knnAccuracy(train, test, { numClasses: 9 });
  const scratch = new Float32Array(64 * 6); // a bank only has to hold one block at a time
  const streamed = {
    ...bankOf(train, "training"),
    rows: (from: number, to: number) => {
      scratch.fill(NaN).set(train.features.subarray(from * 6, to * 6));
      return scratch.subarray(0, (to - from) * 6);
    },
  };
  const options = { numClasses: 9, bankRows: 64, queryRows: 16 };
  assertEquals(await knnAccuracy(streamed, test, options), whole);
});

Deno.test("knnAccuracy() takes all neighbours where there are fewer than k", async () => {
  const [train, test] = [clusters(12, 4, 3, 1), clusters(30, 4, 3, 2)];
  const [few, many] = await knnAccuracy(train, test, { numClasses: 3, ks: [12, 200] });
  assertEquals([many!.k, many!.top1, many!.top5], [200, few!.top1, few!.top5]);
});

Deno.test("knnAccuracy() counts classes without a vote by their number", async () => {
  const train = { features: new Float32Array(10).fill(1), labels: new Int32Array(5).fill(7) };
  const test = {
    features: Float32Array.of(1, 0, 1, 0, 1, 0),
    labels: Int32Array.of(7, 3, 4),
  };
  const [row] = await knnAccuracy(train, test, { numClasses: 9, ks: [5] });
  assertClose([row!.top1, row!.top5], [1 / 3, 2 / 3]); // 7 first, then 0, 1, 2, 3
});

Deno.test("nearestNeighbours() ignores lengths and sorts by cosine; a row of zeros is at 0", async () => {
  const train = {
    features: Float32Array.of(0, 5, 3, 3, 0.1, 0, 0, 0),
    labels: Int32Array.of(0, 1, 2, 3),
  };
  const test = { features: Float32Array.of(7, 1), labels: Int32Array.of(0) };
  const { indices, similarities } = await nearestNeighbours(train, test, 4);
  assertEquals([...indices], [2, 1, 0, 3]);
  assertClose(similarities, [7 / Math.sqrt(50), 8 / 10, 1 / Math.sqrt(50), 0]);
});

Deno.test("searches say how far they are, and keep no tensor even when left in the middle", async () => {
  const [train, test] = [clusters(40, 4, 3, 1), clusters(10, 4, 3, 2)];
  const steps = searchNeighbours(train, test, 3, { bankRows: 16, queryRows: 5 });
  assertClose(
    await Array.fromAsync(steps),
    [5, 10, 15, 20].map((n) => 16 * n / 400).concat([36 / 40, 1]),
  );
  await assertNoLeakAsync(async () => {
    for await (const _ of knnSteps(train, test, { numClasses: 3, bankRows: 8 })) break;
  });
});

Deno.test("knnAccuracy() throws on an empty set, a label out of range, other lengths, and NaN", async () => {
  const good = clusters(10, 4, 3, 1);
  const empty = { features: new Float32Array(), labels: new Int32Array() };
  const throws = (train: LabelledFeatures, test: LabelledFeatures, text: string) =>
    assertRejects(() => knnAccuracy(train, test, { numClasses: 3 }), RangeError, text);
  await throws(empty, good, "training");
  await throws(good, empty, "test");
  await throws(good, clusters(10, 5, 3, 1), "length 4");
  await throws({ ...good, labels: good.labels.map(() => 3) }, good, "class 3");
  await throws({ features: good.features.subarray(1), labels: good.labels }, good, "39 numbers");
  await throws({ ...good, features: good.features.with(21, NaN) }, good, "training image 5 is NaN");
  await assertRejects(() => nearestNeighbours(good, good, 11), RangeError, "need 1 to 10");
});

Deno.test("planKnn() fits ImageNet in 2 GiB, whatever the bank", () => {
  const size = { bankSize: 1_281_167, queries: 50_000, dim: 768 };
  const { memory, bankBytes, operations, seconds } = planKnn(size, {
    operationsPerSecond: 1e12,
    slice: { ...size, k: 200 },
    seconds: 1,
  });
  assertEquals(bankBytes, 3_935_745_024);
  assertClose([operations, seconds!], [9.839e13, 98.39], 1e-3);
  assertEquals(memory.queries, 2 * 50_000 * 768 * 4);
  assertEquals(memory.total < 2 ** 30, true);
  const larger = planKnn({ ...size, bankSize: 10 * size.bankSize }).memory;
  assertEquals(larger.total - memory.total, 4 * 9 * size.bankSize); // the labels
  assertThrows(() => planKnn({ ...size, dim: 0 }), RangeError, "dim");
});
