import { createRng } from "lib/rng.ts";
import { bankOf } from "lib/eval/features/feature_bank.ts";
import {
  fewOfEachClass,
  firstOfEachClass,
  randomOfEachClass,
  selectFeatures,
  transferFeatures,
} from "./transfer_features.ts";
import { transferScore } from "./transfer_score.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const labels = Int32Array.of(1, 0, 1, 1, 0, 2, 1, 1, 1, 0);
const truth = { numClasses: 3, labels };

Deno.test("firstOfEachClass() takes the first images of each class, their share rounded up", () => {
  // Six images of class 1: two of them; three of class 0: one; one of class 2: that one.
  assertEquals(firstOfEachClass(truth, 0.2), {
    validation: [0, 1, 2, 5],
    train: [3, 4, 6, 7, 8, 9],
  });
  const several = { numClasses: 2, labels: new Int32Array(6).fill(-1), several: new Int8Array(12) };
  assertEquals(firstOfEachClass(several, 0.2).validation, [0, 1]);
});

Deno.test("randomOfEachClass() takes as many of each class, others for another seed", () => {
  const splits = Array.from(
    { length: 20 },
    (_, seed) => randomOfEachClass(truth, 0.2, createRng(seed)),
  );
  for (const { train, validation } of splits) {
    assertEquals([...train, ...validation].sort((a, b) => a - b), [...labels.keys()]);
    assertEquals(validation.map((i) => labels[i]!).sort(), [0, 1, 1, 2]);
  }
  assertTrue(new Set(splits.map(({ validation }) => `${validation}`)).size > 5, "they differ");
  assertEquals(randomOfEachClass(truth, 0.2, createRng(0)), splits[0]);
});

Deno.test("fewOfEachClass() takes so many of each class, and all of a smaller one", () => {
  const chosen = fewOfEachClass(truth, 2, createRng(4));
  assertEquals(chosen.map((i) => labels[i]!).sort(), [0, 0, 1, 1, 2]);
  assertEquals(chosen, fewOfEachClass(truth, 2, createRng(4)));
  assertTrue(`${chosen}` !== `${fewOfEachClass(truth, 2, createRng(5))}`, "another seed");
  assertThrows(() => fewOfEachClass(truth, 0, createRng(0)), RangeError, "0 images of each class");
  const several = Int8Array.of(1, -1, 1, 1, -1, 1, 1, -1, 0, -1);
  const many = { numClasses: 2, labels: new Int32Array(5).fill(-1), several };
  for (let seed = 0; seed < 10; seed++) {
    const few = fewOfEachClass(many, 1, createRng(seed));
    assertEquals(few.length, 2, "one image for each class");
    assertTrue(few.some((i) => several[2 * i + 1] === 1), "the second class is there");
    assertTrue(!few.includes(4), "an image without a class is not taken");
  }
});

Deno.test("selectFeatures() keeps rows and truth together", () => {
  const features = Float32Array.from({ length: 20 }, (_, i) => i);
  const all = transferFeatures(bankOf({ features, labels }, "test's"), truth);
  const some = selectFeatures(selectFeatures(all, [5, 3, 9]), [2, 0]);
  assertEquals([...some.truth.labels], [0, 2]);
  assertEquals([...some.gather([1, 0])], [10, 11, 18, 19]);
});

Deno.test("transferScore() scores by each metric, and a score that is not finite by nothing", () => {
  const scores = Float32Array.of(0.2, 0.8, 0.9, 0.1, 0.3, 0.7, 0.5, 0.5);
  const two = { numClasses: 2, labels: Int32Array.of(1, 0, 0, 0) };
  assertClose(transferScore("accuracy", scores, two), 3 / 4, 1e-12);
  assertClose(transferScore("meanPerClass", scores, two), (1 + 2 / 3) / 2, 1e-12);
  assertClose(transferScore("rocAuc", scores, two), 1, 1e-12);
  const several = Int8Array.of(-1, 1, 1, -1, 1, -1, 1, 0);
  // Class 0: found at places 1, 2 and 3 of 4; class 1: its one image has the highest score.
  const many = { ...two, several };
  assertClose(transferScore("map11", scores, many), 1, 1e-12);
  const broken = scores.map((value, i) => i === 3 ? NaN : value);
  for (const metric of ["accuracy", "rocAuc", "map11"] as const) {
    assertEquals(transferScore(metric, broken, many), 0);
  }
});
