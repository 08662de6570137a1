import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { convNeXtConfig, createModel, type ModelOutput } from "lib/models/mod.ts";
import {
  contributionSide,
  effectiveReceptiveField,
} from "lib/explain/effective_receptive_field.ts";
import {
  assertClose,
  assertEquals,
  assertNoLeak,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

/**
 * A network that is one box filter over k × k pixels of the first colour, so its field is that box.
 */
function box(k: number) {
  const weight = tf.ones([k, k, 1, 1]) as tf.Tensor4D;
  return {
    forward(x: tf.Tensor4D): ModelOutput {
      const red = x.slice([0, 0, 0, 0], [-1, -1, -1, 1]);
      const map = tf.depthwiseConv2d(red, weight, 1, "same");
      return { stages: [map], features: map.mean([1, 2]) };
    },
  };
}
const images = (count: number, side: number) =>
  tf.randomUniform([count, side, side, 3], 0.1, 1, "float32", 3) as tf.Tensor4D;

Deno.test("effectiveReceptiveField() of a box filter is the box around the centre", () => {
  const { side, values } = effectiveReceptiveField(box(5), images(2, 12));
  assertEquals(side, 12);
  const inside = (p: number) => Math.abs(p - 6) <= 2;
  const expected = Array.from(
    values,
    (_, i) => inside(Math.floor(i / 12)) && inside(i % 12) ? 1 / 25 : 0,
  );
  assertClose(values, expected);
});

Deno.test("contributionSide() is the least centred square that holds more than a share", () => {
  const field = effectiveReceptiveField(box(5), images(1, 11));
  assertEquals([0.03, 0.05, 0.37, 0.99].map((share) => contributionSide(field, share)), [
    1,
    3,
    5,
    5,
  ]);
  const corner = { side: 4, values: Float64Array.of(1, ...new Array(15).fill(0)) };
  assertEquals(contributionSide(corner, 0.5), 4); // never more than the image
  assertThrows(() => contributionSide(field, 1), RangeError, "share of 1");
});

Deno.test("effectiveReceptiveField() of a ConvNeXt grows with its kernels, and leaks nothing", () => {
  const side = (kernelSize: number) => {
    const config = { ...convNeXtConfig("atto"), depths: [1, 1], dims: [8, 16], kernelSize };
    const model = createModel({ ...config, layerScaleInit: 1 }, createRng(0));
    return contributionSide(effectiveReceptiveField(model, images(2, 96)), 0.9);
  };
  const sides = [3, 9, 15].map(side);
  assertTrue(sides[0]! < sides[1]! && sides[1]! < sides[2]!, `${sides}`);
  const model = createModel(convNeXtConfig("atto"), createRng(0));
  const x = images(1, 32);
  assertNoLeak(() => void effectiveReceptiveField(model, x));
});

Deno.test("effectiveReceptiveField() refuses what has no centre or no field", () => {
  const wide = tf.ones([1, 8, 9, 3]) as tf.Tensor4D;
  assertThrows(() => effectiveReceptiveField(box(3), wide), RangeError, "8×9");
  const dark = images(1, 8).neg() as tf.Tensor4D;
  assertThrows(() => effectiveReceptiveField(box(3), dark), RangeError, "add up to 0");
});
