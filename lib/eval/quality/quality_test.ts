import { bankOf } from "lib/eval/features/feature_bank.ts";
import { formula } from "lib/testing/formula.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { finish } from "lib/testing/steps.ts";
import { alphaReQ } from "./alpha_req.ts";
import { effectiveRank, rankMe } from "./effective_rank.ts";
import { eigenvalues, gram, squaredSingularValues } from "./eigenvalues.ts";
import { featureSpectra } from "./feature_spectra.ts";
import { lidar } from "./lidar.ts";
import golden from "./golden/quality.json" with { type: "json" };

/** A matrix of the golden file; `make_golden.py` makes the same numbers, to the bit. */
interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly rank?: number;
  readonly halving?: boolean;
  readonly constant?: number;
  readonly offset?: number;
}

function features({ name, shape, rank, halving, constant = 0, offset = 0 }: Case): Float32Array {
  const [count, dim] = shape as [number, number];
  const values = rank === undefined ? doubles(name, count * dim) : product(
    doubles(`${name} left`, count * rank).map((u) => rounded(4 * u)),
    doubles(`${name} right`, rank * dim).map((u) => rounded(4 * u)),
    [count, rank, dim],
  );
  return Float32Array.from(values, (value, at) => {
    const column = at % dim;
    const scaled = halving ? value * 2 ** -column : value;
    return (column < constant ? 0.75 : scaled) + offset;
  });
}

/** `formula`, to go on computing in double precision. */
function doubles(name: string, count: number): Float64Array {
  return Float64Array.from(formula(name, count));
}

/** NumPy's `round`: halves go to the even number. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

/** `[n, r]` times `[r, d]`. */
function product(
  left: Float64Array,
  right: Float64Array,
  [n, r, d]: readonly [number, number, number],
): Float64Array {
  return Float64Array.from({ length: n * d }, (_, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    let sum = 0;
    for (let k = 0; k < r; k++) sum += left[i * r + k]! * right[k * d + j]!;
    return sum;
  });
}

function spectra(values: Float32Array, count: number) {
  return finish(
    featureSpectra(bankOf({ features: values, labels: new Int32Array(count) }, "test")),
  );
}

for (const expected of golden.spectral) {
  Deno.test(`RankMe and α-ReQ of features (${expected.name}) are NumPy's`, () => {
    const [count, dim] = expected.shape as [number, number];
    const values = features(expected);
    const measured = spectra(values, count);
    assertEquals(measured.images, count);
    assertClose(measured.rankMe, expected.rankMe, 1e-9);
    assertEquals(Number.isNaN(measured.alphaReQ), expected.alphaReQ === null);
    if (expected.alphaReQ !== null) assertClose(measured.alphaReQ, expected.alphaReQ, 1e-8);
    if (expected.alphaReQ2to8 === null) return;
    const centred = withoutMean(values, dim);
    const squares = finish(squaredSingularValues(centred, count, dim));
    assertClose(alphaReQ(squares, { first: 2, last: 8 }), expected.alphaReQ2to8, 1e-8);
  });
}

function withoutMean(values: Float32Array, dim: number): Float64Array {
  const mean = new Float64Array(dim);
  values.forEach((value, at) => mean[at % dim]! += value * dim / values.length);
  return Float64Array.from(values, (value, at) => value - mean[at % dim]!);
}

for (const expected of golden.lidar) {
  Deno.test(`LiDAR of views (${expected.name}) is NumPy's`, () => {
    const { name, images, views, dim, scale } = expected;
    const noise = doubles(`${name} views`, images * views * dim);
    const ofImage = doubles(`${name} images`, images * dim);
    const values = Float32Array.from(noise, (u, at) => {
      const image = Math.floor(at / (views * dim));
      return scale * (ofImage[image * dim + at % dim]! + 0.5 * u);
    });
    assertClose(finish(lidar({ features: values, images, views })), expected.lidar, 1e-9);
  });
}

/** Rows ± scaleⱼ·eⱼ: no mean, and a diagonal covariance. */
function axes(scales: readonly number[]): Float32Array {
  const dim = scales.length;
  const values = new Float32Array(2 * dim * dim);
  scales.forEach((scale, j) => {
    values[2 * j * dim + j] = scale;
    values[(2 * j + 1) * dim + j] = -scale;
  });
  return values;
}

Deno.test("RankMe of features whose covariance is the identity is their length", () => {
  for (const dim of [2, 7, 40]) {
    assertClose(spectra(axes(Array(dim).fill(3)), 2 * dim).rankMe, dim, 1e-4);
  }
});

Deno.test("RankMe of r equal directions is r, and does not change with the features' scale", () => {
  for (const rank of [1, 3, 8]) {
    const scales = Array.from({ length: 12 }, (_, j) => j < rank ? 1 : 0);
    assertClose(spectra(axes(scales), 24).rankMe, rank, 1e-4);
    assertClose(spectra(axes(scales.map((scale) => 1000 * scale)), 24).rankMe, rank, 1e-4);
  }
});

Deno.test("RankMe counts the mean of the features, α-ReQ does not", () => {
  const scales = Array.from({ length: 10 }, (_, j) => (j + 1) ** -0.75);
  const [plain, moved] = [axes(scales), axes(scales).map((value) => value + 5)];
  assertTrue(spectra(moved, 20).rankMe < 0.5 * spectra(plain, 20).rankMe, "one direction more");
  assertClose(spectra(plain, 20).alphaReQ, 1.5, 1e-5);
  assertClose(spectra(moved, 20).alphaReQ, 1.5, 1e-4);
});

Deno.test("α-ReQ of a power law is its exponent, from its first rank to its last", () => {
  for (const alpha of [0.3, 1, 2.5]) {
    const law = Array.from({ length: 120 }, (_, j) => 7 * (j + 1) ** -alpha);
    assertClose(alphaReQ(law), alpha, 1e-9);
    const bent = law.map((value, j) => j < 3 || j >= 100 ? 2 * law[0]! : value); // ranks 1–3, 101–
    assertClose(alphaReQ(bent), alpha, 1e-9);
    assertTrue(alphaReQ(bent, { first: 3, last: 100 }) > alpha + 0.001, "rank 3 counts");
    assertTrue(alphaReQ(bent, { first: 4, last: 101 }) < alpha - 0.001, "rank 101 counts");
  }
});

Deno.test("α-ReQ leaves out eigenvalues of 0, and is NaN where fewer than two ranks are left", () => {
  const law = Array.from({ length: 30 }, (_, j) => j < 12 ? (j + 1) ** -2 : 0);
  assertClose(alphaReQ(law), 2, 1e-9);
  assertEquals(alphaReQ(law.slice(0, 4)), NaN);
  assertEquals(alphaReQ([1, 0.5, 0.2, 0.1, 0]), NaN);
  assertClose(alphaReQ(law.slice(0, 5)), 2, 1e-9);
});

Deno.test("effectiveRank() does not depend on order or scale, and of zeros is 0", () => {
  const values = [4, 0, 1, 2, 0];
  const naive = [4, 1, 2].reduce((sum, v) => sum - v / 7 * Math.log(v / 7), 0);
  assertClose(effectiveRank(values), Math.exp(naive), 1e-5);
  assertClose(effectiveRank(values.toReversed().map((v) => 100 * v)), effectiveRank(values), 1e-12);
  assertEquals(effectiveRank([0, 0]), 0);
  assertEquals(rankMe(new Float64Array(3)), 0);
  assertClose(rankMe(Float64Array.of(9, 9)), 2, 1e-5);
});

Deno.test("LiDAR counts directions of images, not those in which views differ", () => {
  // images differ in the first two features, views in the last two
  const corners = [[1, 1], [1, -1], [-1, 1], [-1, -1]];
  const values = corners.flatMap(([a, b]) => corners.flatMap(([c, d]) => [a!, b!, c!, d!]));
  const views = { features: Float32Array.from(values), images: 4, views: 4 };
  assertClose(finish(lidar(views)), 2, 1e-4);
  assertClose(spectra(views.features, 16).rankMe, 4, 1e-4);
});

Deno.test("LiDAR of images that are all alike is 0", () => {
  const one = [1, 2, 3, 5];
  const views = { features: Float32Array.from([...one, ...one, ...one]), images: 3, views: 2 };
  assertEquals(finish(lidar(views)), 0);
});

Deno.test("eigenvalues() are the diagonal's, the largest first, and 0 below rounding", () => {
  const diagonal = Float64Array.of(2, 0, 0, 0, 5, 0, 0, 0, 1e-17);
  assertEquals([...eigenvalues(diagonal, 3)], [5, 2, 0]);
  assertClose([...eigenvalues(Float64Array.of(2, 1, 1, 2), 2)], [3, 1], 1e-12);
});

Deno.test("gram() is AᵀA for any number of rows, and yields as it goes", () => {
  for (const rows of [1, 4, 7]) {
    const matrix = doubles("gram", rows * 3);
    const steps = gram(
      rows,
      3,
      (i, out, offset) => out.set(matrix.subarray(3 * i, 3 * i + 3), offset),
    );
    const transposed = Float64Array.from(
      { length: rows * 3 },
      (_, at) => matrix[at % rows * 3 + Math.floor(at / rows)]!,
    );
    assertClose([...finish(steps)], [...product(transposed, matrix, [3, rows, 3])], 1e-12);
  }
  const fractions = [...gram(9, 1, () => {})];
  assertClose(fractions, [4 / 9, 8 / 9, 1]);
});

Deno.test("features of one image and features that are not finite are refused in one line", () => {
  const message = "need 2 or more images, current number is 1";
  assertThrows(() => spectra(Float32Array.of(1, 2), 1), RangeError, message);
  const wrong = Float32Array.of(1, 2, 3, NaN, 5, 6);
  assertThrows(() => spectra(wrong, 3), RangeError, "a feature of image 1 is NaN");
  const views = { features: wrong, images: 1, views: 3 };
  assertThrows(() => finish(lidar(views)), RangeError, message);
  const one = { features: wrong, images: 3, views: 1 };
  assertThrows(() => finish(lidar(one)), RangeError, "need 2 or more views, current number is 1");
  const infinite = {
    features: Float32Array.of(1, 2, 3, 4, 5, 6, 7, Infinity),
    images: 2,
    views: 2,
  };
  assertThrows(() => finish(lidar(infinite)), RangeError, "a feature of image 1 is Infinity");
  const large = Float32Array.from({ length: 8 }, (_, at) => 1e20 * (at % 4));
  assertThrows(
    () => finish(lidar({ features: large, images: 2, views: 2 })),
    RangeError,
    "too large",
  );
});
