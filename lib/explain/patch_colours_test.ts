import { patchColours } from "lib/explain/patch_colours.ts";
import type { PatchFeatures } from "lib/explain/patch_features.ts";
import {
  patchSimilarities,
  type ShortPatches,
  shortPatches,
} from "lib/explain/patch_similarity.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** Features of a map by a function of image, row and column. */
function featuresOf(
  [images, height, width]: readonly [number, number, number],
  at: (image: number, row: number, column: number) => readonly number[],
): PatchFeatures {
  const values = Array.from(
    { length: images * height * width },
    (_, i) => at(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width),
  );
  const channels = values[0]!.length;
  return { images, height, width, channels, values: Float32Array.from(values.flat()) };
}

const inside = (row: number, column: number) => row > 0 && row < 4 && column > 0 && column < 5;
/** Two images of 5 × 6 patches: inside, the first channel is high, and the others go by place. */
const object = featuresOf(
  [2, 5, 6],
  (image, row, column) =>
    inside(row, column) ? [10, row - 2, (column - 2.5) / 2, image / 4, 0] : [-10, 0, 0, 0, 0.1],
);

Deno.test("patchColours() colours what lies inside the edges, whatever the sign of its features", () => {
  const opposite = { ...object, values: object.values.map((value) => -value) };
  for (const features of [object, opposite]) {
    const { foreground, pixels } = patchColours(features);
    foreground.forEach((is, i) => {
      const [row, column] = [Math.floor(i / 6) % 5, i % 6];
      assertEquals(is, inside(row, column), `patch ${row}, ${column}`);
      if (!is) assertEquals([...pixels.subarray(3 * i, 3 * i + 3)], [0, 0, 0]);
    });
  }
});

Deno.test("patchColours() scales three components of the foreground to 0–255, over all images", () => {
  const { pixels, shares } = patchColours(object);
  // variances of the three: rows 2/3, columns 5/16, images 1/64
  const variances = [2 / 3, 5 / 16, 1 / 64];
  const total = variances.reduce((sum, value) => sum + value);
  assertClose(shares, variances.map((value) => value / total), 1e-5);
  const colour = (image: number, row: number, column: number) => {
    const at = 3 * ((image * 5 + row) * 6 + column);
    return [...pixels.subarray(at, at + 3)];
  };
  assertEquals(colour(0, 1, 1), [0, 0, 0]);
  assertEquals(colour(1, 3, 4), [255, 255, 255]);
  assertEquals(colour(1, 2, 1), [128, 0, 255]);
});

Deno.test("patchColours() colours all patches if asked to, and where a map has no inside", () => {
  assertEquals(patchColours(object, { foregroundOnly: false }).foreground.includes(false), false);
  const small = featuresOf([1, 2, 2], (_, row, column) => [row, column, row * column]);
  assertEquals(patchColours(small).foreground, [true, true, true, true]);
  const equal = featuresOf([1, 3, 3], () => [1, 2, 3]);
  assertEquals([...patchColours(equal).pixels], Array(27).fill(128));
  const two = featuresOf([1, 3, 3], () => [1, 2]);
  assertThrows(() => patchColours(two), RangeError, "2 channels");
});

Deno.test("patchSimilarities() are cosines with one patch, in all images", () => {
  const features = featuresOf(
    [2, 1, 2],
    (image, _, column) => [[1, 2], [3, 5]][image]!.map((v) => v * (column + 1)),
  );
  const mean = [3, 5.25].map((_, c) =>
    [0, 1, 2, 3].reduce((sum, i) => sum + features.values[2 * i + c]! / 4, 0)
  );
  const row = (i: number) => [0, 1].map((c) => features.values[2 * i + c]! - mean[c]!);
  const cosine = ([a, b]: number[], [c, d]: number[]) =>
    (a! * c! + b! * d!) / Math.hypot(a!, b!) / Math.hypot(c!, d!);
  const found = patchSimilarities(features, { image: 1, row: 0, column: 0 });
  assertClose(found, [0, 1, 2, 3].map((i) => cosine(row(2), row(i))), 1e-5);
  assertThrows(
    () => patchSimilarities(features, { image: 0, row: 1, column: 0 }),
    RangeError,
    "rows 0 to 0",
  );
});

/** The largest difference between the cosines of short vectors and those of the features. */
function largestError(features: PatchFeatures, { dim, vectors }: ShortPatches): number {
  const row = (i: number) => [...vectors.subarray(i * dim, (i + 1) * dim)];
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
  const errors = Array.from({ length: features.height * features.width }, (_, at) => {
    const patch = { image: 1, row: Math.floor(at / features.width), column: at % features.width };
    const a = row(features.height * features.width + at);
    return [...patchSimilarities(features, patch)].map((cosine, i) => {
      const b = row(i);
      return Math.abs(cosine - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
    });
  });
  return Math.max(...errors.flat());
}

Deno.test("shortPatches() have the cosines of patchSimilarities(), up to rounding and what they leave out", () => {
  const rng = createRng(0).fork("patches");
  const noise = () => rng.uniform() - 0.5;
  const mixing = Array.from({ length: 3 }, () => Array.from({ length: 20 }, noise));
  // three directions hold nearly all of twenty channels
  const features = featuresOf([2, 5, 6], () => {
    const factors = [noise(), noise(), noise()];
    return mixing[0]!.map((_, c) =>
      7 + factors.reduce((sum, factor, k) => sum + factor * mixing[k]![c]!, 0) + 0.02 * noise()
    );
  });
  const [all, three, one] = [99, 3, 1].map((count) => shortPatches(features, count));
  assertEquals([all!.dim, three!.dim, three!.vectors.length], [20, 3, 60 * 3]);
  assertClose([all!.share], [1], 1e-9);
  assertTrue(largestError(features, all!) < 0.015, `${largestError(features, all!)}`);
  assertTrue(three!.share > 0.99 && three!.share < 1, `${three!.share}`);
  assertTrue(largestError(features, three!) < 0.1, `${largestError(features, three!)}`);
  assertTrue(largestError(features, one!) > 0.5, "one direction is not enough");
});

Deno.test("shortPatches() are 0 where a patch is the mean of all", () => {
  const same = featuresOf([1, 2, 2], () => [3, 4]);
  assertEquals([...shortPatches(same, 2).vectors], Array(8).fill(0));
});
