import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { convNeXtConfig, createModel, type ModelOutput } from "lib/models/mod.ts";
import {
  contributionSide,
  effectiveReceptiveField,
  pooledContributions,
} from "lib/explain/effective_receptive_field.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { assertNoLeakAsync } from "lib/testing/leaks.ts";

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

Deno.test("effectiveReceptiveField() of a box filter is the box around the centre", async () => {
  const { side, values } = await effectiveReceptiveField(box(5), images(2, 12));
  assertEquals(side, 12);
  const inside = (p: number) => Math.abs(p - 6) <= 2;
  const expected = Array.from(
    values,
    (_, i) => inside(Math.floor(i / 12)) && inside(i % 12) ? 1 / 25 : 0,
  );
  assertClose(values, expected);
});

Deno.test("contributionSide() is the least centred square that holds more than a share", async () => {
  const field = await effectiveReceptiveField(box(5), images(1, 11));
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

Deno.test("pooledContributions() adds up squares around the middle", () => {
  const values = Float64Array.from({ length: 49 }, (_, i) => i);
  const { side, values: sums } = pooledContributions({ side: 7, values }, 3); // squares of 3 × 3
  assertEquals([side, [...sums]], [2, [72, 99, 261, 288]]); // the last row and column are left out
  const odd = pooledContributions({ side: 7, values }, 4); // squares of 2 × 2
  assertEquals([odd.side, odd.values[0]], [3, 0 + 1 + 7 + 8]);
  const five = pooledContributions({ side: 5, values: values.slice(0, 25) }, 1);
  assertEquals([five.side, five.values[0]], [1, 300]); // nothing is left out
  const cut = pooledContributions({ side: 11, values: new Float64Array(121).fill(1) }, 3);
  assertEquals([cut.side, cut.values[0]], [2, 16]);
  const only = new Float64Array(121);
  only[1 * 11 + 1] = 1; // (1, 1) is the first pixel of the middle 8 × 8
  assertEquals(pooledContributions({ side: 11, values: only }, 3).values[0], 1);
  only.fill(0)[0] = 1;
  assertEquals(pooledContributions({ side: 11, values: only }, 3).values[0], 0);
  assertEquals(pooledContributions({ side: 7, values }, 7).values, values);
});

Deno.test("effectiveReceptiveField() of a ConvNeXt grows with its kernels, and leaks nothing", async () => {
  const side = async (kernelSize: number) => {
    const config = { ...convNeXtConfig("atto"), depths: [1, 1], dims: [8, 16], kernelSize };
    const model = createModel({ ...config, layerScaleInit: 1 }, createRng(0));
    return contributionSide(await effectiveReceptiveField(model, images(2, 96)), 0.9);
  };
  const sides = await Promise.all([3, 9, 15].map(side));
  assertTrue(sides[0]! < sides[1]! && sides[1]! < sides[2]!, `${sides}`);
  const model = createModel(convNeXtConfig("atto"), createRng(0));
  const x = images(1, 32);
  await assertNoLeakAsync(() => effectiveReceptiveField(model, x));
});

Deno.test("effectiveReceptiveField() refuses what has no centre or no field", async () => {
  const wide = tf.ones([1, 8, 9, 3]) as tf.Tensor4D;
  await assertRejects(() => effectiveReceptiveField(box(3), wide), RangeError, "8×9");
  const dark = images(1, 8).neg() as tf.Tensor4D;
  await assertRejects(() => effectiveReceptiveField(box(3), dark), RangeError, "add up to 0");
});
