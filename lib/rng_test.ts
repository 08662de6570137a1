import { constantRng, createRng, isConstant } from "lib/rng.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const draw = (count: number, from: () => number) => Array.from({ length: count }, from);

Deno.test("createRng() gives the same stream for the same seed and path", () => {
  const a = createRng(7).fork("crops").fork(3);
  const b = createRng(7).fork("crops").fork(3);
  assertEquals(draw(8, () => a.uniform()), draw(8, () => b.uniform()));
});

Deno.test("fork() depends neither on what the parent drew nor on its siblings", () => {
  const parent = createRng(0);
  const early = parent.fork("x").uniform();
  draw(100, () => parent.normal());
  parent.fork("y").uniform();
  assertEquals(parent.fork("x").uniform(), early);
});

Deno.test("streams of neighbouring seeds and names are uncorrelated", () => {
  for (const [a, b] of [["0", "1"], ["a", "b"], ["stages.0.1", "stages.1.0"]]) {
    const [x, y] = [createRng(0).fork(a!), createRng(0).fork(b!)];
    const r = draw(20_000, () => x.normal() * y.normal()).reduce((s, v) => s + v, 0) / 20_000;
    assertTrue(Math.abs(r) < 0.03, `correlation of ${a} and ${b} is ${r}`);
  }
});

Deno.test("normal() and uniform() have their moments", () => {
  const rng = createRng(1);
  const n = 100_000;
  const z = draw(n, () => rng.normal(2, 3));
  const mean = z.reduce((s, v) => s + v, 0) / n;
  const std = Math.sqrt(z.reduce((s, v) => s + (v - mean) ** 2, 0) / n);
  assertTrue(Math.abs(mean - 2) < 0.04 && Math.abs(std - 3) < 0.03, `mean ${mean}, std ${std}`);
  const u = draw(n, () => rng.uniform(-1, 1));
  assertTrue(Math.min(...u.slice(0, 50_000)) < -0.999, "uniform reaches its ends");
  assertTrue(Math.abs(u.reduce((s, v) => s + v, 0) / n) < 0.01, "uniform is centred");
});

Deno.test("permutation() holds every index once, and is not the identity", () => {
  const order = createRng(3).permutation(1000);
  assertEquals([...order].sort((a, b) => a - b), draw(1000, ((i) => () => i++)(0)));
  assertTrue(order.some((v, i) => v !== i), "shuffled");
});

Deno.test("int() and createRng() throw on values out of range", () => {
  assertThrows(() => createRng(0).int(0), RangeError, "below 0");
  assertThrows(() => createRng(0.5), RangeError, "0.5");
});

Deno.test("a stream's numbers stay what they were, or every saved run's would change", () => {
  const rng = createRng(3).fork("x");
  assertEquals(draw(2, () => rng.int(1e9)), [978992698, 314062672]);
  assertEquals(rng.uniform(), 0.43882896308787167);
  assertEquals(createRng(0).permutation(5), Uint32Array.of(0, 2, 4, 3, 1));
});

Deno.test("constantRng() draws the middle of every range", () => {
  const rng = constantRng().fork("any").fork(3);
  assertEquals([rng.uniform(-1, 3), rng.normal(2, 9), rng.int(5), rng.bernoulli(0.9)], [
    1,
    2,
    0,
    false,
  ]);
  assertEquals([...rng.permutation(3)], [0, 1, 2]);
  assertEquals([isConstant(rng), isConstant(createRng(0))], [true, false]);
});
