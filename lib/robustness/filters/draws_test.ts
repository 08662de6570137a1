import { createRng } from "lib/rng.ts";
import { drawsOf } from "lib/robustness/filters/draws.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

/** Abramowitz and Stegun's 7.1.26, within 1.5e-7. */
function normalCdf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]
    .reduce((sum, c) => (sum + c) * t, 0);
  const upper = 0.5 * series * Math.exp(-x * x / 2);
  return x > 0 ? 1 - upper : upper;
}

const count = 400_000;
const { normal } = drawsOf(createRng(3));
const sorted = Float64Array.from({ length: count }, () => normal()).sort();

Deno.test("drawsOf() draws normal numbers: nowhere is their share off by more than chance allows", () => {
  let worst = 0;
  sorted.forEach((x, i) => worst = Math.max(worst, Math.abs((i + 0.5) / count - normalCdf(x))));
  // Kolmogorov's bound for one run in a hundred
  assertTrue(worst * Math.sqrt(count) < 1.63, `${worst}`);
});

Deno.test("drawsOf() draws the normal's tails, where the ziggurat ends, as often as they should come", () => {
  for (const beyond of [3, 3.66, 4]) {
    const expected = 2 * count * normalCdf(-beyond);
    const found = sorted.filter((x) => Math.abs(x) > beyond).length;
    assertTrue(Math.abs(found - expected) < 4 * Math.sqrt(expected), `${beyond}: ${found}`);
  }
});

Deno.test("drawsOf() shifts and scales normal numbers, and hands on the stream's other draws", () => {
  const [a, b] = [drawsOf(createRng(5)), drawsOf(createRng(5))];
  for (let i = 0; i < 9; i++) assertClose(a.normal(2, 3), 2 + 3 * b.normal());
  const rng = createRng(5);
  const { uniform, int } = drawsOf(createRng(5));
  assertEquals([uniform(), uniform(2, 3), int(7)], [rng.uniform(), rng.uniform(2, 3), rng.int(7)]);
});
