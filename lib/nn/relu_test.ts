import * as tf from "lib/tf.ts";
import { relu } from "lib/nn/relu.ts";
import { countOps } from "lib/tf_op.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const x = tf.tensor2d([[-2, -0, 0, 0.5], [3, -1e-30, 1e-30, -Infinity]]);
const dy = tf.tensor2d([[1, 2, 3, 4], [5, 6, 7, 8]]);

Deno.test("relu() and its gradient are tfjs's, in fewer operations", () => {
  const of = (f: (x: tf.Tensor) => tf.Tensor) => () => [f(x), tf.grad(f)(x, dy)];
  const [ours, theirs] = [of(relu)(), of((x) => tf.relu(x))()];
  ours.forEach((y, i) => assertEquals(y.dataSync(), theirs[i]!.dataSync()));
  assertEquals([...ours[1]!.dataSync()], [0, 0, 0, 4, 5, 0, 7, 0]);
  const [few, many] = [of(relu), of((x) => tf.relu(x))].map((run) =>
    countOps(() => void tf.tidy(() => run())).total
  );
  assertTrue(few! < many!, `${few} operations, tfjs's ${many}`);
});

Deno.test("relu() leaves no tensor but its result", () => {
  assertNoLeak(() => relu(x).dispose());
  assertNoLeak(() => tf.tidy(() => void tf.grad(relu as (x: tf.Tensor) => tf.Tensor)(x, dy)));
});
