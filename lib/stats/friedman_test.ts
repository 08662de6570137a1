import { criticalDifference, friedman, ranksOf, studentizedRange } from "./friedman.ts";
import golden from "./golden/friedman.json" with { type: "json" };
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

Deno.test("friedman() is SciPy's, with and without ties", () => {
  for (const { scores, statistic, pValue, meanRanks } of golden.friedman) {
    const found = friedman(scores);
    assertClose([found.statistic, found.pValue], [statistic, pValue], 1e-8);
    assertClose(found.meanRanks, meanRanks, 1e-12);
  }
});

Deno.test("studentizedRange() is SciPy's for infinitely many degrees of freedom", () => {
  for (const { arms, level, quantile } of golden.ranges) {
    assertClose(studentizedRange(arms, level), quantile, 1e-7);
  }
});

Deno.test("criticalDifference() is Demšar's: four things over fourteen sets", () => {
  // q of 0.05 for four is 2.569 (his Table 5), and his example gives 2.569 √(4 · 5 / (6 · 14)) = 1.25.
  assertClose(criticalDifference(4, 14), 2.569 * Math.sqrt(20 / 84), 1e-3);
});

Deno.test("ranksOf() begins with the highest and shares ties; what cannot be ranked is refused", () => {
  assertEquals(ranksOf([0.2, 0.9, 0.2, 0.5]), [3.5, 1, 3.5, 2]);
  const { meanRanks, standardErrors } = friedman([[3, 2, 1], [3, 1, 2]]);
  assertEquals(meanRanks, [1, 2.5, 2.5]);
  assertClose(standardErrors, [0, 0.5, 0.5], 1e-12);
  assertThrows(() => friedman([[1, 2, 3]]), RangeError, "got 1 with [3]");
  assertThrows(() => friedman([[1, 2], [2, 1]]), RangeError, "got 2 with [2,2]");
  assertThrows(() => friedman([[1, 2, 3], [2, 1]]), RangeError, "[3,2]");
});
