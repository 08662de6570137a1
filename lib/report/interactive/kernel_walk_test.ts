import { assertClose, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { createRng } from "lib/rng.ts";
import * as tf from "lib/tf.ts";
import { exampleKernels, kernelOutput, mapOf } from "./kernel_walk.ts";

const side = 7;
const rng = createRng(0).fork("picture");
const values = Array.from({ length: side ** 2 }, () => rng.uniform());

Deno.test("mapOf() is TensorFlow's convolution with zeros around the picture", () => {
  for (const { weights } of exampleKernels) {
    const k = weights.length;
    const expected = tf.tidy(() => {
      const x = tf.tensor4d(values, [1, side, side, 1]);
      const kernel = tf.tensor4d(weights.flat(), [k, k, 1, 1]);
      return tf.conv2d(x, kernel, 1, "same").dataSync() as Float32Array;
    });
    assertClose(Float64Array.from(mapOf(values, side, weights)), expected);
  }
});

const square = (side: number) => ({
  ...{ height: side, width: side, pixels: new Uint8Array(3 * side ** 2).fill(51) },
});

Deno.test("kernelOutput() holds a picture of both maps, in less than 1 MB at the largest size", async () => {
  const output = await kernelOutput(square(24), exampleKernels);
  const size = Object.values(output).reduce((sum, { length }) => sum + length, 0);
  assertTrue(size < 400_000, `${size} characters`);
  assertTrue(output["text/html"]!.includes('"values":[-0.6,-0.6,'), "51 of 255, in grey");
  assertTrue("image/png" in output, "a still");
});

Deno.test("kernelOutput() says which pictures and kernels it takes", async () => {
  const even = [{ name: "even", weights: [[1, 0], [0, 1]] }];
  await assertRejects(
    () => kernelOutput(square(4), even),
    RangeError,
    '"even": need an odd number',
  );
  const ragged = [{ name: "ragged", weights: [[1], [1], [1]] }];
  await assertRejects(() => kernelOutput(square(4), ragged), RangeError, '"ragged": need an odd');
  await assertRejects(
    () => kernelOutput(square(25), exampleKernels),
    RangeError,
    "25×25: need a square of at most 24",
  );
  const wide = { ...square(4), height: 2 };
  await assertRejects(() => kernelOutput(wide, exampleKernels), RangeError, "2×4: need a square");
});
