import {
  confidenceInterval,
  meanAndError,
  pairedDifference,
  studentQuantile,
} from "lib/stats/statistics.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("meanAndError() divides by n − 1, then by n", () => {
  const { n, mean, standardError } = meanAndError([1, 2, 4, 9]);
  assertEquals([n, mean], [4, 4]);
  assertClose(standardError, Math.sqrt((9 + 4 + 0 + 25) / 3 / 4));
});

Deno.test("meanAndError() of one seed has no error, of none or of a NaN throws", () => {
  assertEquals(meanAndError([0.5]), { n: 1, mean: 0.5, standardError: NaN });
  assertThrows(() => meanAndError([]), RangeError, "count is 0");
  assertThrows(() => meanAndError([1, NaN]), RangeError, "NaN");
});

// From printed tables of Student's t.
for (
  const [p, degrees, expected] of [
    [0.975, 1, 12.7062047],
    [0.975, 2, 4.30265273],
    [0.95, 2, 2.91998558],
    [0.975, 30, 2.04227246],
    [0.025, 4, -2.77644511],
  ] as const
) {
  Deno.test(`studentQuantile(${p}, ${degrees}) is the table's`, () => {
    assertClose(studentQuantile(p, degrees), expected, 1e-7);
  });
}

Deno.test("studentQuantile() throws out of range", () => {
  assertThrows(() => studentQuantile(1, 3), RangeError, "p is 1");
  assertThrows(() => studentQuantile(0.9, 0), RangeError, "is 0");
});

Deno.test("confidenceInterval() of three seeds reaches 4.303 standard errors each way", () => {
  const [low, high] = confidenceInterval({ n: 3, mean: 2, standardError: 0.5 });
  assertClose([low, high], [2 - 4.30265273 * 0.5, 2 + 4.30265273 * 0.5], 1e-7);
  assertEquals(confidenceInterval(meanAndError([1])), [-Infinity, Infinity]);
});

Deno.test("pairedDifference() takes out what the seeds share", () => {
  const { mean, inErrors, pValue } = pairedDifference([11, 22, 33.5], [10, 20, 31]);
  const paired = meanAndError([1, 2, 2.5]);
  assertClose([mean, inErrors], [paired.mean, paired.mean / paired.standardError]);
  assertTrue(pValue > 0.01 && pValue < 0.05, `t of 4.2 with 2 degrees of freedom: p is ${pValue}`);
});

Deno.test("pairedDifference() against a constant, of equal values, of one seed", () => {
  assertClose(pairedDifference([3, 4, 5], 1).inErrors, 3 * Math.sqrt(3));
  assertEquals(pairedDifference([1, 2], [1, 2]).inErrors, 0);
  assertEquals(pairedDifference([2, 2], 1).inErrors, Infinity);
  assertEquals(pairedDifference([2], 1).inErrors, NaN);
  assertThrows(() => pairedDifference([1, 2], [1]), RangeError, "got 2 and 1");
});
