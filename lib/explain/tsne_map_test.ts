import { createRng } from "lib/rng.ts";
import { trustworthiness } from "lib/explain/planar_map.ts";
import { tsneMap } from "lib/explain/tsne_map.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const [dim, count, perplexity] = [6, 60, 8];
type Point = readonly [number, number];

/** Three clusters of 20 vectors, vector i in cluster i mod 3. */
function clusters(): Float32Array {
  const rng = createRng(7);
  return Float32Array.from({ length: count * dim }, (_, i) => {
    const [row, d] = [Math.floor(i / dim), i % dim];
    return (row % 3 === d % 3 ? 3 : 0) + 0.3 * rng.normal();
  });
}

/** The chances p_ij of the paper's §2 and Eq. 12 in its §3.1, written out. */
function neighbourChances(features: Float32Array, perplexity: number): number[][] {
  const rows = Array.from({ length: count }, (_, i) => {
    const row = [...features.subarray(i * dim, (i + 1) * dim)];
    return row.map((value) => value / Math.hypot(...row));
  });
  const conditional = rows.map((a, i) => {
    const squares = rows.map((b) => a.reduce((sum, value, d) => sum + (value - b[d]!) ** 2, 0));
    const chances = (precision: number) => {
      const weights = squares.map((square, j) => i === j ? 0 : Math.exp(-square * precision));
      const sum = weights.reduce((a, b) => a + b);
      return weights.map((weight) => weight / sum);
    };
    const entropy = (shares: number[]) =>
      -shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
    let [low, high] = [1e-3, 1e6]; // precisions with a larger and a smaller perplexity
    for (let step = 0; step < 100; step++) {
      const middle = Math.sqrt(low * high);
      if (entropy(chances(middle)) > Math.log(perplexity)) low = middle;
      else high = middle;
    }
    return chances(low);
  });
  return conditional.map((row, i) => row.map((p, j) => (p + conditional[j]![i]!) / (2 * count)));
}

/** The length of the gradient of the divergence by all points, the paper's Eq. 5. */
function gradientAt(chances: number[][], points: readonly Point[]): number {
  const near = points.map(([x, y], i) =>
    points.map(([u, v], j) => i === j ? 0 : 1 / (1 + (x - u) ** 2 + (y - v) ** 2))
  );
  const all = near.flat().reduce((a, b) => a + b);
  const slopes = points.flatMap((point, i) =>
    [0, 1].map((axis) =>
      points.reduce(
        (sum, other, j) =>
          sum +
          4 * (chances[i]![j]! - near[i]![j]! / all) * near[i]![j]! * (point[axis]! - other[axis]!),
        0,
      )
    )
  );
  return Math.hypot(...slopes);
}

Deno.test("tsneMap() ends where the divergence of the paper is least, and gives the same map from the same stream", () => {
  const features = clusters();
  const map = () => tsneMap(features, dim, { rng: createRng(0), perplexity });
  const points = map();
  assertEquals(map(), points);
  assertTrue(
    `${tsneMap(features, dim, { rng: createRng(1), perplexity })}` !== `${points}`,
    "seed",
  );
  const chances = neighbourChances(features, perplexity);
  const moved = points.map(([x, y]): Point => [1.05 * x, y]); // by a twentieth along one axis
  const [here, beside] = [gradientAt(chances, points), gradientAt(chances, moved)];
  assertTrue(here < 0.1 * beside, `gradient ${here}, beside it ${beside}`);
  const other = gradientAt(neighbourChances(features, perplexity + 1), points);
  assertTrue(here < 0.1 * other, `gradient ${here}, for another perplexity ${other}`);
});

Deno.test("tsneMap() keeps clusters apart", () => {
  const features = clusters();
  const points = tsneMap(features, dim, { rng: createRng(0), perplexity });
  const distance = (a: number, b: number) =>
    Math.hypot(points[a]![0] - points[b]![0], points[a]![1] - points[b]![1]);
  points.forEach((_, a) => {
    const others = points.map((_, b) => b).filter((b) => b !== a);
    const nearest = others.reduce((best, b) => distance(a, b) < distance(a, best) ? b : best);
    assertEquals(nearest % 3, a % 3, `the point nearest to ${a}`);
  });
  assertTrue(trustworthiness(features, dim, points, 8) > 0.9, "neighbours stay neighbours");
});

Deno.test("tsneMap() throws for few vectors and for features that are not finite", () => {
  const rng = createRng(0);
  assertThrows(() => tsneMap(new Float32Array(60), 2, { rng }), RangeError, "30 vectors");
  assertThrows(() => tsneMap(clusters(), dim, { rng, perplexity: NaN }), RangeError, "NaN");
  const broken = clusters();
  broken[dim] = NaN;
  assertThrows(() => tsneMap(broken, dim, { rng }), RangeError, "vector 1");
});
