import golden from "lib/stats/golden/holm.json" with { type: "json" };
import { decidingP, holm, holmVerdicts } from "lib/stats/holm.ts";
import { equals, exceeds } from "lib/stats/verdicts.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("holm() is statsmodels', with ties, ones, zeros and missing values", () => {
  for (const { p, adjusted, rejected } of golden) {
    const ours = holm(p.map((value) => value ?? NaN));
    assertEquals(ours.map(Number.isNaN), adjusted.map((value) => value === null));
    const numbers = (values: readonly (number | null)[]) =>
      values.filter((value) => value !== null);
    assertClose(ours.filter((value) => !Number.isNaN(value)), numbers(adjusted), 1e-12);
    assertEquals(ours.map((value) => value <= 0.05), rejected);
  }
});

Deno.test("holm() by hand: the smallest times all, the next times one less, never falling", () => {
  assertClose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
  assertEquals(holm([]), []);
  assertEquals(holm([0.5, NaN]), [0.5, NaN]); // the missing one is not counted
  assertEquals(holm([0.5, 0.25]), [0.5, 0.5]);
});

Deno.test("holm() refuses what is no probability", () => {
  assertThrows(() => holm([0.2, 1.5]), RangeError, "one is 1.5");
  assertThrows(() => holm([-0.1]), RangeError, "one is -0.1");
});

/** Differences around 0.02, of which p is 0.003; and around −0.02, of which it is 0.04. */
const strong = exceeds([0.521, 0.519, 0.522], 0.5);
const weak = exceeds([0.48, 0.472, 0.488], 0.5);

Deno.test("holmVerdicts() keeps a strong verdict, and takes back a weak one among others", () => {
  assertEquals([strong.verdict, weak.verdict], ["agrees", "disagrees"]);
  assertTrue(
    strong.pValue < 0.01 && weak.pValue > 0.025 && weak.pValue < 0.05,
    "as the comment says",
  );
  assertEquals(holmVerdicts([weak]), [{ pValue: weak.pValue, verdict: "disagrees" }]);
  const both = holmVerdicts([weak, strong]);
  assertEquals(both.map(({ verdict }) => verdict), ["disagrees", "agrees"]);
  assertClose(both.map(({ pValue }) => pValue), [weak.pValue, 2 * strong.pValue]);
  const three = holmVerdicts([weak, strong, weak]);
  assertEquals(three.map(({ verdict }) => verdict), ["cannot tell", "agrees", "cannot tell"]);
});

Deno.test("holmVerdicts() leaves a test of one seed out, and one of two seeds cannot tell", () => {
  const one = exceeds([0.9], 0.5);
  const two = exceeds([0.9, 0.9001], 0.5);
  const [ofWeak, ofOne] = holmVerdicts([weak, one]);
  assertEquals(ofWeak, { pValue: weak.pValue, verdict: "disagrees" });
  assertEquals(ofOne, { pValue: NaN, verdict: "cannot tell" });
  assertTrue(two.pValue < 0.01, "a small p alone is not enough");
  assertEquals(holmVerdicts([two])[0]!.verdict, "cannot tell");
});

Deno.test("holmVerdicts() judges each test at its own level", () => {
  const strict = exceeds([0.521, 0.519, 0.522], 0.5, { level: 1.5 * strong.pValue });
  assertEquals(strict.verdict, "agrees");
  assertEquals(holmVerdicts([strict, weak]).map(({ verdict }) => verdict), [
    "cannot tell",
    "disagrees",
  ]);
});

Deno.test("an equality that disagrees rests on its p beyond the margin, and Holm counts that one", () => {
  const [a, b] = [[0.73, 0.731, 0.729], [0.70, 0.702, 0.699]];
  const apart = equals(a, b, 0.01);
  assertEquals([apart.verdict, apart.pValue > 0.9], ["disagrees", true]);
  // one-sided, of differences that are 0.01 smaller
  const beyond = exceeds(a.map((value) => value - 0.01), b);
  assertClose(apart.pUnequal!, beyond.pValue / 2, 1e-6);
  assertEquals(decidingP(apart), apart.pUnequal);
  assertEquals(holmVerdicts([apart])[0]!.verdict, "disagrees");
  const same = equals([0.5, 0.501, 0.499], 0.5, 0.01);
  assertEquals([same.verdict, decidingP(same)], ["agrees", same.pValue]);
});
