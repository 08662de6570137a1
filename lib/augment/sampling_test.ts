/** Tests the distributions of the random parameters. */
import { createRng, type Rng } from "lib/rng.ts";
import { type JitterOp, sampleColorJitter, sampleCropBox } from "./mod.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const DRAWS = 5000;

function draw<T>(sample: (rng: Rng) => T): T[] {
  const rng = createRng(8);
  return Array.from({ length: DRAWS }, () => sample(rng));
}

/**
 * Asserts mean and variance of a uniform variable, each within 4 standard errors, and its bounds.
 */
function assertUniform(values: readonly number[], low: number, high: number, slack = 0): void {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  const [width, n] = [high - low, values.length];
  const close = (actual: number, expected: number, error: number, what: string) =>
    assertTrue(
      Math.abs(actual - expected) <= 4 * error + slack * width,
      `${what} is ${actual}, expected ${expected}`,
    );
  close(mean, (low + high) / 2, width / Math.sqrt(12 * n), "mean");
  close(variance, width ** 2 / 12, width ** 2 / Math.sqrt(180 * n), "variance");
  assertTrue(Math.min(...values) >= low - slack, `lowest is ${Math.min(...values)}`);
  assertTrue(Math.max(...values) <= high + slack, `highest is ${Math.max(...values)}`);
}

Deno.test("sampleCropBox() draws a uniform area and a log-uniform ratio where every box fits", () => {
  const boxes = draw((rng) => sampleCropBox(rng, 1000, 1000, { scale: [0.05, 0.4] }));
  assertUniform(boxes.map((b) => b.width * b.height / 1e6), 0.05, 0.4, 0.002);
  assertUniform(
    boxes.map((b) => Math.log(b.width / b.height)),
    -Math.log(4 / 3),
    Math.log(4 / 3),
    0.005,
  );
});

Deno.test("sampleCropBox() draws every place in an image as often as any other", () => {
  const options = { scale: [0.3, 0.3], ratio: [1, 1] } as const;
  const boxes = draw((rng) => sampleCropBox(rng, 400, 300, options));
  assertEquals(boxes.every((b) => b.width === 190 && b.height === 190), true);
  assertUniform(boxes.map((b) => b.left), 0, 210, 0.001);
  assertUniform(boxes.map((b) => b.top), 0, 110, 0.001);
});

Deno.test("sampleCropBox() stays inside, from one pixel to very long images", () => {
  for (const [width, height] of [[1, 1], [2, 1], [3, 500], [500, 3], [32, 32]] as const) {
    for (
      const { left, top, width: w, height: h } of draw((rng) =>
        sampleCropBox(rng, width, height, { scale: [0.05, 1] })
      )
    ) {
      const inside = w > 0 && h > 0 && left >= 0 && top >= 0 && left + w <= width &&
        top + h <= height;
      assertTrue(inside, `${w} x ${h} at (${left}, ${top}) of ${width} x ${height}`);
    }
  }
});

Deno.test("sampleCropBox() falls back to the largest centred box of an allowed ratio", () => {
  const scale = [0.9, 1] as const; // never fits into a strip
  assertEquals(sampleCropBox(createRng(0), 500, 3, { scale }), {
    left: 248,
    top: 0,
    width: 4,
    height: 3,
  });
  assertEquals(sampleCropBox(createRng(0), 6, 500, { scale }), {
    left: 0,
    top: 246,
    width: 6,
    height: 8,
  });
});

const strength = { brightness: 0.4, contrast: 0.3, saturation: 0.2, hue: 0.1 };

Deno.test("sampleColorJitter() draws uniform factors around 1 and a hue around 0", () => {
  const draws = draw((rng) => sampleColorJitter(rng, strength));
  assertUniform(draws.map((p) => p.brightness), 0.6, 1.4);
  assertUniform(draws.map((p) => p.contrast), 0.7, 1.3);
  assertUniform(draws.map((p) => p.saturation), 0.8, 1.2);
  assertUniform(draws.map((p) => p.hue), -0.1, 0.1);
  const negative = draw((rng) => sampleColorJitter(rng, { ...strength, brightness: 1.5 }));
  assertUniform(negative.map((p) => p.brightness), 0, 2.5); // a factor is never negative
});

Deno.test("sampleColorJitter() draws the 24 orders equally often", () => {
  const counts = new Map<string, number>();
  for (const { order } of draw((rng) => sampleColorJitter(rng, strength))) {
    assertEquals(new Set<JitterOp>(order).size, 4);
    counts.set(`${order}`, (counts.get(`${order}`) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const expected = DRAWS / 24;
  const chiSquare = [...counts.values()].reduce(
    (sum, c) => sum + (c - expected) ** 2 / expected,
    0,
  );
  // 49.7: p = 0.001 at 23 degrees of freedom
  assertTrue(chiSquare < 49.7, `chi-square of the orders is ${chiSquare}`);
});
