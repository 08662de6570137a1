/** RoIAlign on WebGPU against the plain one. Skipped, and counted so, without an adapter. */
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import { roiAlign, type RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
import { withPlainOps } from "lib/native/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { boxesAround } from "lib/testing/detection.ts";
import {
  onWebGpu,
  randomValues,
  tensorOf,
  type Values,
  valuesOf,
  withoutWebGpu,
} from "lib/testing/gpu/webgpu.ts";
import * as tf from "lib/tf.ts";

/** The regions and their gradient by the map, for a random cotangent. */
function valueAndGradient(
  map: Values,
  regions: readonly Boxes[],
  options: RoiAlignOptions,
): tf.Tensor[] {
  return tf.tidy(() => {
    const cut = (x: tf.Tensor) => roiAlign(x as tf.Tensor4D, regions, options);
    const x = tensorOf(map), value = cut(x);
    return [value, tf.grad(cut)(x, tensorOf(randomValues(value.shape, 2)))];
  });
}

const maps = [
  { shape: [1, 1, 1, 1], counts: [3], size: 2, scale: 1 / 16 },
  { shape: [2, 3, 7, 3], counts: [4, 0], size: 7, scale: 1 / 4 },
  { shape: [3, 12, 9, 17], counts: [2, 9, 5], size: 5, scale: 1 / 2 },
];

Deno.test({
  name: "WebGPU: roiAlign() equals the plain one, with its gradient",
  ignore: withoutWebGpu,
  async fn() {
    for (const { shape, counts, size, scale } of maps) {
      const sides = [shape[1]! / scale, shape[2]! / scale] as const;
      const regions = counts.map((count, i) => boxesAround(count, sides, createRng(i)));
      const map = randomValues(shape, 1);
      for (const samplingRatio of [0, 2]) {
        for (const aligned of [true, false]) {
          const options = { size, scale, samplingRatio, aligned };
          const both = () => valueAndGradient(map, regions, options);
          const expected = await valuesOf(withPlainOps(both));
          const actual = await onWebGpu(() => valuesOf(both()));
          actual.forEach(({ shape, values }, i) => {
            assertEquals(shape, expected[i]!.shape);
            assertClose(values, expected[i]!.values, 1e-5);
          });
        }
      }
    }
  },
});

Deno.test({
  name: "WebGPU: roiAlign() without a region gives none, and a gradient of zeros",
  ignore: withoutWebGpu,
  async fn() {
    const options = { size: 2, scale: 1, samplingRatio: 0, aligned: true };
    const map = randomValues([1, 3, 3, 2], 1);
    const none = [new Float32Array(0)];
    const [value, gradient] = await onWebGpu(() => valuesOf(valueAndGradient(map, none, options)));
    assertEquals([value!.shape, gradient!.values], [[0, 2, 2, 2], new Float32Array(18)]);
  },
});
