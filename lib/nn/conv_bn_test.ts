import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { depthwiseConv2d } from "lib/nn/conv.ts";
import {
  convBn,
  createConvBn,
  createDepthwiseBn,
  depthwiseBn,
  foldDepthwiseBn,
} from "lib/nn/conv_bn.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula } from "lib/testing/formula.ts";

const images = tf.randomNormal<tf.Rank.R4>([2, 7, 6, 4], 0, 1, "float32", 1);

Deno.test("convBn() has unit variance in training, and its stride's size", () => {
  const params = createConvBn(3, 4, 8, createRng(0));
  const y = convBn(images, params, { training: true, stride: 2 });
  assertEquals(y.shape, [2, 4, 3, 8]);
  const { mean, variance } = tf.moments(y, [0, 1, 2]);
  assertClose(variance, tf.ones([8]), 1e-1); // less the eps: a fresh kernel's outputs are small
  assertClose(mean.add(1), tf.ones([8]));
});

for (const size of [5, [7, 3], [3, 7]] as const) {
  Deno.test(`foldDepthwiseBn() gives the layer's own output in evaluation, ${size}`, () => {
    const params = createDepthwiseBn(size, 4, createRng(0));
    fillByFormula(params);
    const { kernel, bias } = foldDepthwiseBn(params);
    const [weight, shift] = [tf.variable(kernel), tf.variable(bias)];
    assertClose(
      depthwiseConv2d(images, { weight, bias: shift }),
      depthwiseBn(images, params, { training: false }),
    );
    disposeTree({ weight, shift });
  });
}

Deno.test("a layer with BatchNorm keeps no tensor but its result", () => {
  const params = createDepthwiseBn(3, 4, createRng(0));
  assertNoLeak(() => {
    depthwiseBn(images, params, { training: true }).dispose();
    const { kernel, bias } = foldDepthwiseBn(params);
    tf.dispose([kernel, bias]);
  });
});
