import golden from "./golden/transfer_metrics.json" with { type: "json" };
import { elevenPointMap, elevenPointPrecision } from "./average_precision.ts";
import { meanPerClass } from "./mean_per_class.ts";
import { rocAuc } from "./roc_auc.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

Deno.test("meanPerClass() is scikit-learn's balanced accuracy", () => {
  for (const { labels, predicted, score } of golden.meanPerClass) {
    assertClose([meanPerClass(predicted, labels)], [score], 1e-12);
  }
});

Deno.test("meanPerClass() counts each class alike, and none without images", () => {
  // Class 0: 3 of 4; class 2: 0 of 1; class 1 has no image, though one is taken for it.
  assertClose([meanPerClass([0, 0, 0, 2, 1], [0, 0, 0, 0, 2])], [0.375], 1e-12);
  assertThrows(
    () => meanPerClass([0], [0, 1]),
    RangeError,
    "Cannot score 1 predictions: there are 2 labels",
  );
  assertThrows(() => meanPerClass([], []), RangeError, "there are 0 labels");
  assertThrows(() => meanPerClass([0], [-1]), RangeError, "image 0: its label is -1");
});

Deno.test("rocAuc() is scikit-learn's, with and without ties", () => {
  for (const { labels, scores, score } of golden.rocAuc) {
    assertClose([rocAuc(scores, labels)], [score], 1e-12);
  }
});

Deno.test("rocAuc() is the share of pairs in order; ties count half", () => {
  // Pairs of class 1 and class 0: 3 > 1, 3 > 2, 2 > 1, 2 = 2.
  assertClose([rocAuc([3, 2, 1, 2], [1, 1, 0, 0])], [3.5 / 4], 1e-12);
  assertClose([rocAuc([7, 7, 7], [1, 0, 1])], [0.5], 1e-12);
  const fails = (scores: number[], labels: number[], text: string) =>
    assertThrows(() => rocAuc(scores, labels), RangeError, text);
  fails([1, 2], [1, 1], "class 1 has 2 images, class 0 0");
  fails([1, 2], [1, 2], "image 1: its label is 2, neither 0 nor 1");
  fails([1, NaN], [1, 0], "image 1: its score is NaN");
  fails([1], [1, 0], "2 images by 1 scores");
});

Deno.test("elevenPointMap() leaves out a class that no image has", () => {
  const [scores, truth] = [[3, 9, 2, 8, 1, 7], [-1, -1, 1, -1, 1, -1]]; // three images, two classes
  assertEquals(elevenPointMap(scores, truth, 2), elevenPointPrecision([3, 2, 1], [-1, 1, 1]));
});

Deno.test("elevenPointMap() follows VOC's definition", () => {
  for (const { classes, scores, truth, each, score } of golden.map11) {
    assertClose([elevenPointMap(scores, truth, classes)], [score], 1e-12);
    const column = (values: readonly number[], c: number) =>
      values.filter((_, i) => i % classes === c);
    const found = each.map((_, c) => elevenPointPrecision(column(scores, c), column(truth, c)));
    assertClose(found, each, 1e-12);
  }
});

Deno.test("elevenPointPrecision() takes the best precision at each recall or beyond", () => {
  // Sorted: hit, miss, hit: precision 1 up to a recall of 1/2, then 2/3 up to 1.
  assertClose([elevenPointPrecision([9, 8, 7], [1, -1, 1])], [(6 + 5 * 2 / 3) / 11], 1e-12);
  // What is not counted neither helps nor harms, wherever it stands.
  assertClose([elevenPointPrecision([10, 9, 8, 7.5, 7], [0, 1, -1, 0, 1])], [
    (6 + 5 * 2 / 3) / 11,
  ], 1e-12);
  // Three of ten found first, then misses only, then the others: 1 up to a recall of 3/10 exactly.
  const truth = [1, 1, 1, ...new Array(87).fill(-1), ...new Array(7).fill(1)];
  const scores = truth.map((_, i) => -i);
  assertClose([elevenPointPrecision(scores, truth)], [(4 + 7 * 10 / 97) / 11], 1e-12);
  assertThrows(() => elevenPointPrecision([1], [-1]), RangeError, "no image has the class");
  assertThrows(() => elevenPointMap([1, 2], [-1, -1], 2), RangeError, "no image has a class");
  assertThrows(() => elevenPointPrecision([NaN], [1]), RangeError, "image 0: its score is NaN");
  assertThrows(
    () => elevenPointMap([1, 2, 3], [1, -1, 1], 2),
    RangeError,
    "3 scores by 3 labels in rows of 2 classes",
  );
});
