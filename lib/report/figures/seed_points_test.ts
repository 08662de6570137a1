import {
  extentOf,
  keyOf,
  printedPoint,
  seedPoint,
  shareAxis,
} from "lib/report/figures/seed_points.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

Deno.test("seedPoint() is in percent with a bar of one standard error each way", () => {
  const { y, low, high, n, title } = seedPoint([0.71, 0.72, 0.73], "BC-SSL");
  assertClose([low, y, high], [72 - 0.57735, 72, 72 + 0.57735]);
  assertEquals([n, title], [3, "BC-SSL: 72.00 ± 0.58 %, 3 seeds"]);
});

Deno.test("seedPoint() names seeds and runs where it knows them", () => {
  const origin = { seeds: [3, 4], runs: ["a-1", "a-2"] };
  const { title } = seedPoint([0.5, 0.6], "x", origin);
  assertEquals(title.split("\n").slice(1), ["seed 3: 50.00 %, a-1", "seed 4: 60.00 %, a-2"]);
  assertEquals(seedPoint([0.5], "x", origin).title, "x: 50.00 %, 1 seed", "of other seeds");
  const seedsOnly = seedPoint([0.5], "x", { seeds: [7] }).title;
  assertEquals(seedsOnly, "x: 50.00 %, 1 seed\nseed 7: 50.00 %");
});

Deno.test("seedPoint() of one seed and printedPoint() have no bar", () => {
  const one = seedPoint([0.5], "x");
  assertEquals([one.low, one.high, one.title], [50, 50, "x: 50.00 %, 1 seed"]);
  const { low, high, n, title } = printedPoint(0.5, "x");
  assertEquals([low, high, n, title], [50, 50, 0, "the paper, x: 50.00 %"]);
});

const points = (...shares: number[]) => shares.map((share) => printedPoint(share, ""));

Deno.test("extentOf() leaves a twentieth of room, and some for a single value", () => {
  assertClose(extentOf(points(0.5, 0.7, 0.6)), [49, 71]);
  assertClose(extentOf(points(0.5)), [49.9, 50.1]);
});

Deno.test("shareAxis() unless a group would be flat", () => {
  assertEquals(shareAxis([points(0.6, 0.7), points(0.65, 0.75)]), true);
  assertEquals(shareAxis([points(0.6, 0.7), points(0.2, 0.3)]), false);
  assertEquals(shareAxis([points(0.6, 0.7), points(0.65, 0.66)]), false);
  assertEquals(shareAxis([points(0.6, 0.7), []]), true);
});

Deno.test("keyOf() says what was drawn", () => {
  const [one, three] = [seedPoint([0.5], ""), seedPoint([0.4, 0.5, 0.6], "")];
  const [paper] = points(0.5);
  assertEquals(keyOf([three, paper!]), "filled: ours, ± 1 s.e. of 3 seeds; hollow: the paper");
  assertEquals(keyOf([three, one]), "filled: ours, ± 1 s.e. of 1 to 3 seeds");
  assertEquals(keyOf([one]), "filled: ours, 1 seed");
  assertEquals(keyOf([paper!]), "hollow: the paper");
});
