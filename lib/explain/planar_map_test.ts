import { createRng } from "lib/rng.ts";
import { classSimilarity } from "lib/explain/class_similarity.ts";
import { planarMap, trustworthiness } from "lib/explain/planar_map.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const dim = 6;
/** Three clusters of 20 vectors, vector i in cluster i mod 3. */
function clusters(): Float32Array {
  const rng = createRng(7);
  return Float32Array.from({ length: 60 * dim }, (_, i) => {
    const [row, d] = [Math.floor(i / dim), i % dim];
    return (row % 3 === d % 3 ? 3 : 0) + 0.3 * rng.normal();
  });
}

Deno.test("planarMap() keeps clusters apart, and gives the same map from the same stream", () => {
  const features = clusters();
  const map = () => planarMap(features, dim, { rng: createRng(0), neighbours: 8 });
  const points = map();
  assertEquals(map(), points);
  const distance = (a: number, b: number) =>
    Math.hypot(points[a]![0] - points[b]![0], points[a]![1] - points[b]![1]);
  points.forEach((_, a) => {
    const others = points.map((_, b) => b).filter((b) => b !== a);
    const nearest = others.reduce((best, b) => distance(a, b) < distance(a, best) ? b : best);
    assertEquals(nearest % 3, a % 3, `the point nearest to ${a}`);
  });
  assertTrue(trustworthiness(features, dim, points, 8) > 0.9, "neighbours stay neighbours");
});

Deno.test("planarMap() throws for few vectors and for features that are not finite", () => {
  const options = { rng: createRng(0) };
  assertThrows(() => planarMap(new Float32Array(30), 2, options), RangeError, "15 vectors");
  const broken = clusters();
  broken[dim] = NaN;
  assertThrows(() => planarMap(broken, dim, options), RangeError, "vector 1");
});

Deno.test("trustworthiness() is that of the definition", () => {
  // cosines fall with the angle, so that vector i has its neighbours in the order of |i − j|, the
  // smaller first; on the map, 5 has jumped beside 0
  const angles = [0, 10, 19, 27, 34, 40];
  const features = Float32Array.from(angles.flatMap((degrees) => {
    const radians = degrees * Math.PI / 180;
    return [Math.cos(radians), Math.sin(radians)];
  }));
  const places = [0, 1, 2, 3, 4, 0.2];
  const points = places.map((x) => [x, 0] as const);
  const k = 2;
  let penalty = 0;
  for (let a = 0; a < 6; a++) {
    const by = (far: (b: number) => number) =>
      [0, 1, 2, 3, 4, 5].filter((b) => b !== a).sort((b, c) => far(b) - far(c));
    const inFeatures = by((b) => Math.abs(angles[a]! - angles[b]!));
    const onMap = by((b) => Math.abs(places[a]! - places[b]!)).slice(0, k);
    for (const b of onMap) penalty += Math.max(inFeatures.indexOf(b) + 1 - k, 0);
  }
  assertTrue(penalty > 0, "the map has a fault");
  const expected = 1 - 2 / (6 * k * (2 * 6 - 3 * k - 1)) * penalty;
  assertClose(trustworthiness(features, 2, points, k), expected, 1e-12);
  assertThrows(() => trustworthiness(features, 2, points, 3), RangeError, "below 3");
});

Deno.test("classSimilarity() sorts by class, and averages cosines within and between classes", () => {
  const features = Float32Array.from([1, 0, 0, 2, 3, 1, 1, 3]);
  const labels = [1, 0, 1, 0];
  const mean = [1.25, 1.5];
  const row = (i: number) => [features[2 * i]! - mean[0]!, features[2 * i + 1]! - mean[1]!];
  const cosine = (i: number, j: number) => {
    const [[a, b], [c, d]] = [row(i), row(j)];
    return (a! * c! + b! * d!) / Math.hypot(a!, b!) / Math.hypot(c!, d!);
  };
  const found = classSimilarity(features, labels);
  assertEquals(found.order, [1, 3, 0, 2]);
  const expected = found.order.flatMap((a) => found.order.map((b) => a === b ? 1 : cosine(a, b)));
  assertClose(found.cosines, expected, 1e-6);
  assertClose(found.within, (cosine(1, 3) + cosine(0, 2)) / 2, 1e-6);
  const across = cosine(1, 0) + cosine(1, 2) + cosine(3, 0) + cosine(3, 2);
  assertClose(found.between, across / 4, 1e-6);
  assertThrows(() => classSimilarity(features, [0, 0, 0, 0]), RangeError, "two classes");
});
