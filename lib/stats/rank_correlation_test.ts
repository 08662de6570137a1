import { ranks, spearman } from "lib/stats/rank_correlation.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import golden from "./golden/rank_correlation.json" with { type: "json" };

for (const { a, b, rho, pValue, interval } of golden) {
  Deno.test(`spearman() of ${a.length} things with ρ = ${rho.toFixed(3)} is SciPy's`, () => {
    const found = spearman(a, b);
    assertEquals(found.n, a.length);
    assertClose(found.rho, rho, 1e-12);
    assertClose(found.pValue + 1, pValue + 1, 1e-8);
    assertClose([...found.interval], interval, 1e-9);
  });
}

Deno.test("spearman() does not see more than the order, and changes its sign with it", () => {
  const [a, b] = [[0.1, 5, 2, 9, 4], [3, 1, 2, 8, 5]];
  const found = spearman(a, b);
  assertEquals(spearman(a.map(Math.exp), b.map((value) => value ** 3)), found);
  const turned = spearman(a.map((value) => -value), b);
  assertClose([turned.rho, turned.pValue], [-found.rho, found.pValue], 1e-12);
  assertClose([...turned.interval], [-found.interval[1], -found.interval[0]], 1e-12);
});

Deno.test("spearman() of a measure that is the same for all is NaN, and nothing is sure", () => {
  assertEquals(spearman([1, 1, 1, 1], [1, 2, 3, 4]), {
    n: 4,
    rho: NaN,
    pValue: NaN,
    interval: [-1, 1],
  });
});

Deno.test("spearman() refuses one thing, measures of different lengths, and a NaN", () => {
  assertThrows(() => spearman([1], [1]), RangeError, "got 1 and 1");
  assertThrows(() => spearman([1, 2, 3], [1, 2]), RangeError, "got 3 and 2");
  assertThrows(() => spearman([1, NaN], [1, 2]), RangeError, "one value is NaN");
});

Deno.test("ranks() shares the mean rank among equal values", () => {
  assertEquals(ranks([3, 1, 3, 2, 3]), [4, 1, 4, 2, 4]);
});
