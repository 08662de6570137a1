import { bestMoment, fieldGrowth, kernelMeans, meansOf, monitorMeans, ranked } from "./answers.ts";
import { armResults, trainedField } from "lib/testing/results/made_up.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

const arms = [
  { name: "a", kernelSize: 9, knn: [0.1, 0.3], ap: [0.5] },
  { name: "b", kernelSize: 3, knn: [0.6], ap: [0.2] },
  { name: "c", knn: [0.4, 0.5], ap: [0.9] },
];

Deno.test("ranked(), meansOf() and kernelMeans() take means over seeds, in percent", () => {
  assertEquals(ranked(arms, "knn").map(({ name }) => name), ["b", "c", "a"]);
  assertEquals(ranked(arms, "ap").map(({ name }) => name), ["c", "a", "b"]);
  assertEquals(meansOf(arms, "knn"), { a: 20, b: 60, c: 45 });
  assertEquals(kernelMeans(arms, "knn"), [[3, 60], [9, 20]]);
});

Deno.test("monitorMeans() and bestMoment() count time in shares of the epochs", () => {
  const monitor = [{ epoch: 5, values: [0.2, 0.4] }, { epoch: 20, values: [0.5, 0.6] }];
  assertEquals(monitorMeans({ monitor }).map(([at]) => at), [25, 100]);
  assertClose(Float64Array.from(monitorMeans({ monitor }).map(([, knn]) => knn)), [30, 55]);
  assertEquals(bestMoment({ monitor, bestEpoch: [10, 20] }), 75);
  assertEquals(bestMoment(armResults[0]!), 100 * 25 / 30);
});

Deno.test("fieldGrowth() is that of the square with half of all contributions", () => {
  const field = trainedField(3);
  const [before, after] = [[[1], [1], [10, 30], [1]], [[9], [9], [30, 30], [9]]];
  const changed = {
    ...field,
    before: { ...field.before, sides: before },
    after: { ...field.after, sides: after },
  };
  assertClose(Float64Array.of(fieldGrowth([changed])), [50]);
});
