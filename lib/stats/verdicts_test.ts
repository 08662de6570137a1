import golden from "lib/stats/golden/statistics.json" with { type: "json" };
import { pairedDifference, upperTail } from "lib/stats/statistics.ts";
import { equals, exceeds, rises, type TestResult } from "lib/stats/verdicts.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

interface Expected {
  readonly effect: number;
  readonly pValue: number;
  readonly interval: readonly number[];
}

function assertFinding({ effect, pValue, interval }: TestResult, expected: Expected): void {
  assertClose(effect.mean, expected.effect, 1e-9);
  assertClose(pValue, expected.pValue, 1e-6);
  assertClose(interval, expected.interval, 1e-6);
}

Deno.test("upperTail() is SciPy's, also far out", () => {
  for (const [t, degrees, below] of golden.cdf) {
    assertClose(upperTail(-t!, degrees!), below!, 1e-6);
  }
  assertTrue(upperTail(60, 9) > 0, "a small chance is not none");
  assertEquals([upperTail(Infinity, 2), upperTail(-Infinity, 2)], [0, 1]);
});

Deno.test("exceeds() has the effect, interval and p of SciPy's paired t-test", () => {
  const verdicts = golden.exceeds.map((expected) => {
    const finding = exceeds(expected.a, expected.b);
    assertFinding(finding, expected);
    assertClose(pairedDifference(expected.a, expected.b).pValue, expected.oneSided, 1e-6);
    return finding.verdict;
  });
  assertEquals(verdicts, ["agrees", "disagrees", "cannot tell", "agrees", "disagrees"]);
});

Deno.test("rises() has the effect, interval and p of SciPy's slopes", () => {
  const verdicts = golden.rises.map((expected) => {
    const finding = rises(expected.sizes, expected.values);
    assertFinding(finding, expected);
    return finding.verdict;
  });
  assertEquals(verdicts, ["agrees", "disagrees", "cannot tell"]);
});

Deno.test("equals() has the effect, interval and p of two of SciPy's one-sided t-tests", () => {
  const verdicts = golden.equals.map((expected) => {
    const finding = equals(expected.a, expected.b, expected.margin);
    assertFinding(finding, expected);
    assertEquals(finding.verdict === "agrees", expected.pValue < 0.05);
    return finding.verdict;
  });
  assertEquals(verdicts, ["agrees", "disagrees", "cannot tell", "agrees"]);
});

Deno.test("a level decides: what agrees at 0.05 cannot tell at 0.001", () => {
  const { a, b, pValue } = golden.exceeds[3]!; // p is 0.009
  assertEquals(exceeds(a, b, { level: pValue * 1.01 }).verdict, "agrees");
  assertEquals(exceeds(a, b, { level: pValue / 1.01 }).verdict, "cannot tell");
  const { sizes, values } = golden.rises[0]!; // p is 0.002
  assertEquals(rises(sizes, values, { level: 0.001 }).verdict, "cannot tell");
  const same = golden.equals[0]!; // p is 0.0004
  assertEquals(equals(same.a, same.b, same.margin, { level: 0.0003 }).verdict, "cannot tell");
});

Deno.test("fewer than three seeds cannot tell, however large the effect", () => {
  for (const seeds of [1, 2]) {
    const high = [0.9, 0.9001].slice(0, seeds);
    assertEquals(exceeds(high, 0.1).verdict, "cannot tell");
    assertEquals(rises([3, 9], [high.map((x) => x - 0.5), high]).verdict, "cannot tell");
    assertEquals(equals(high, high, 0.01).verdict, "cannot tell");
  }
  const { pValue, interval } = exceeds([0.9], 0.1);
  assertEquals([pValue, ...interval], [NaN, -Infinity, Infinity]);
});

Deno.test("seeds without any spread: a difference is one, and none is none", () => {
  assertEquals(exceeds([0.75, 0.75, 0.75], 0.5).verdict, "agrees");
  const none = exceeds([0.5, 0.25, 0.5], [0.5, 0.25, 0.5]);
  assertEquals([none.verdict, none.pValue], ["cannot tell", 1]);
  const equal = equals([0.5, 0.25, 0.5], [0.5, 0.25, 0.5], 0.01);
  assertEquals([equal.verdict, equal.pValue], ["agrees", 0]);
});

Deno.test("verdicts throw for what cannot be tested", () => {
  assertThrows(() => exceeds([1, 2], [1]), RangeError, "got 2 and 1");
  assertThrows(() => exceeds([1, 2, 4], 0, { level: 2 }), RangeError, "0 < p < 1");
  assertThrows(() => rises([3, 5], [[1, 2], [1]]), RangeError, "got [2,1]");
  assertThrows(() => rises([3, 5], [[1, 2]]), RangeError, "each of 2 sizes");
  assertThrows(() => rises([7, 7], [[1], [2]]), RangeError, "two different sizes, got [7,7]");
  assertThrows(() => equals([1, 2, 3], 2, 0), RangeError, "current is 0");
});
