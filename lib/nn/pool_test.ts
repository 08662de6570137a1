import * as tf from "lib/tf.ts";
import { maxPool, type MaxPoolOptions } from "lib/nn/pool.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

/**
 * The values of `maxPool()` on one channel, and the gradient of their sum weighted by 1, 2, 3 …, in
 * plain arrays.
 */
function oracle(image: number[][], { size, stride, padding }: MaxPoolOptions) {
  const [H, W] = [image.length, image[0]!.length];
  const count = (side: number) => Math.floor((side + 2 * padding - size) / stride) + 1;
  const values: number[] = [];
  const grad = image.map((row) => row.map(() => 0));
  for (let r = 0; r < count(H); r++) {
    for (let c = 0; c < count(W); c++) {
      let best = { value: -Infinity, at: [0, 0] as [number, number] };
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const at: [number, number] = [r * stride + i - padding, c * stride + j - padding];
          const value = image[at[0]]?.[at[1]] ?? -Infinity;
          if (value > best.value) best = { value, at };
        }
      }
      values.push(best.value);
      grad[best.at[0]]![best.at[1]]! += values.length;
    }
  }
  return { shape: [1, count(H), count(W), 1], values, grad: grad.flat() };
}

const options: readonly MaxPoolOptions[] = [
  { size: 3, stride: 2, padding: 1 },
  { size: 2, stride: 2, padding: 0 },
  { size: 3, stride: 1, padding: 1 },
];
for (const [H, W] of [[6, 8], [7, 5], [6, 7], [3, 4]] as const) {
  for (const option of options) {
    Deno.test(`maxPool() equals plain arrays on ${H}×${W}, ${JSON.stringify(option)}`, () => {
      // All below zero, so that padding of zeros would win; in steps of 0.5, so that some windows
      // have a draw.
      const image = Array.from(
        { length: H },
        (_, r) => Array.from({ length: W }, (_, c) => -1 - (r * 7 + c * 5) % 6 / 2),
      );
      const x = tf.tensor4d(image.flat(), [1, H, W, 1]);
      const { shape, values, grad } = oracle(image, option);
      assertEquals(maxPool(x, option).shape, shape);
      assertClose(maxPool(x, option), values);
      const weights = tf.tensor4d(values.map((_, i) => i + 1), [...shape] as [1, 1, 1, 1]);
      const weighted = (x: tf.Tensor) =>
        maxPool(x as tf.Tensor4D, option).mul(weights).sum() as tf.Scalar;
      assertClose(tf.grad(weighted)(x), grad);
    });
  }
}

Deno.test("maxPool() keeps no tensor but its result", () => {
  const x = tf.randomNormal<tf.Rank.R4>([2, 6, 6, 3], 0, 1, "float32", 1);
  assertNoLeak(() => maxPool(x, { size: 3, stride: 2, padding: 1 }).dispose());
});
