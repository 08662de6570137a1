/**
 * The native RoIAlign against the one by matrix products. Skipped, and reported as skipped, without
 * the native kernels.
 */
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { roiAlign, type RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { boxesAround } from "lib/testing/detection.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import * as tf from "lib/tf.ts";

const ignore = !nativeStatus().active;

type Case = readonly [
  shape: readonly [number, number, number, number],
  counts: readonly number[],
  options: Pick<RoiAlignOptions, "size" | "scale">,
];

const cases: readonly Case[] = [
  [[1, 1, 1, 1], [3], { size: 2, scale: 1 / 16 }],
  [[2, 3, 7, 3], [4, 0], { size: 7, scale: 1 / 4 }],
  [[3, 12, 9, 17], [2, 9, 5], { size: 5, scale: 1 / 3 }],
  [[2, 32, 40, 64], [60, 33], { size: 7, scale: 1 / 4 }],
  [[1, 16, 20, 33], [21], { size: 14, scale: 1 / 8 }],
];

for (const [shape, counts, sizes] of cases) {
  for (const samplingRatio of [0, 2]) {
    for (const aligned of [false, true]) {
      Deno.test({
        name: `native roiAlign() equals the plain one on [${shape}], ${sizes.size} cells of ` +
          `${samplingRatio} samples, ${aligned ? "aligned" : "not aligned"}`,
        ignore,
        fn: () => assertTwins(shape, counts, { ...sizes, samplingRatio, aligned }),
      });
    }
  }
}

/**
 * Checks the native kernel: equal to the plain one to 1e-5 in value and 1e-4 in the gradient, and
 * to itself to the last bit.
 */
function assertTwins(
  shape: Case[0],
  counts: readonly number[],
  options: RoiAlignOptions,
): void {
  const rng = createRng(5);
  const size = [shape[1] / options.scale, shape[2] / options.scale] as const;
  const regions = counts.map((count, image) => boxesAround(count, size, rng.fork(image)));
  tf.tidy(() => {
    const features = tf.randomNormal<tf.Rank.R4>([...shape], 0, 1, "float32", 3);
    const cut = (x: tf.Tensor) => roiAlign(x as tf.Tensor4D, regions, options);
    const run = () => {
      const value = cut(features);
      const dy = tf.randomNormal(value.shape, 0, 1, "float32", 4);
      return [value, tf.grad(cut)(features, dy)] as const;
    };
    const [native, again, plain] = [run(), run(), withPlainOps(run)];
    assertEquals(native[0].shape, plain[0].shape);
    assertClose(native[0], plain[0], 1e-5);
    assertClose(native[1], plain[1], 1e-4);
    native.forEach((x, i) => assertEquals(x.dataSync(), again[i]!.dataSync(), "two runs differ"));
  });
}

Deno.test("roiAlign() refuses a box that is not finite, and says which", () => {
  const features = tf.zeros<tf.Rank.R4>([1, 4, 4, 1]);
  const options = { size: 2, scale: 1, samplingRatio: 0, aligned: true };
  const regions = [Float32Array.of(0, 0, 2, 2, 0, NaN, 3, 4)];
  assertThrows(() => roiAlign(features, regions, options), RangeError, "region 1 out of image 0");
  regions[0]![5] = Infinity;
  assertThrows(() => roiAlign(features, regions, options), RangeError, "[0, Infinity, 3, 4]");
});

Deno.test("roiAlign() without a region has a gradient of zeros, and leaves no tensor", () => {
  const features = tf.ones<tf.Rank.R4>([2, 4, 4, 3]);
  const options = { size: 2, scale: 1, samplingRatio: 2, aligned: true };
  const regions = [new Float32Array(0), Float32Array.of(0, 0, 2, 2)];
  const grad = tf.grad((x: tf.Tensor) => roiAlign(x as tf.Tensor4D, regions, options));
  const ofFirst = () => grad(features).slice(0, 1);
  assertEquals([...tf.tidy(ofFirst).dataSync()].every((value) => value === 0), true);
  assertNoLeak(() => tf.tidy(() => void grad(features)));
});
