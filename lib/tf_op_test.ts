import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import * as tf from "lib/tf.ts";
import { attr, countOps, prepareAttrs, tfOp, tfOpOutputs } from "lib/tf_op.ts";

const T = attr.type("float32");

Deno.test("tfOp() calls an op that tfjs wraps, with the same result", () => {
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = tf.tensor2d([1, 0, 2, -1, 3, 1], [2, 3]);
  const attrs = { T, transpose_a: attr.bool(false), transpose_b: attr.bool(true) };
  assertClose(tfOp("MatMul", [a, b], attrs), tf.matMul(a, b, false, true));
});

Deno.test("tfOp() passes lists of integers, strings and floats", () => {
  const x = tf.tensor4d(Array.from({ length: 16 }, (_, i) => i), [1, 4, 4, 1]);
  const attrs = {
    T,
    ksize: attr.int([1, 2, 2, 1]),
    strides: attr.int([1, 2, 2, 1]),
    padding: attr.string("VALID"),
  };
  assertEquals([...tfOp("MaxPool", [x], attrs).dataSync()], [5, 7, 13, 15]);
  const negative = tf.tensor1d([-2, 4]);
  assertClose(tfOp("LeakyRelu", [negative], { T, alpha: attr.float(0.25) }), [-0.5, 4]);
});

Deno.test("tfOpOutputs() returns every output of an op that tfjs lacks", () => {
  const x = tf.tensor1d([3, 1, 3, 2]);
  const attrs = { T, out_idx: attr.type("int32") };
  const [values, places, counts] = tfOpOutputs("UniqueWithCounts", [x], attrs, 3);
  assertEquals([...values!.dataSync()], [3, 1, 2]);
  assertEquals([...places!.dataSync()], [0, 1, 0, 2]);
  assertEquals([...counts!.dataSync()], [2, 1, 1]);
});

Deno.test("prepareAttrs() gives attributes that can be used again", () => {
  const attrs = prepareAttrs({ T });
  const x = tf.tensor1d([1, 4]);
  for (let i = 0; i < 2; i++) assertClose(tfOp("Sqrt", [x], attrs), [1, 2]);
});

Deno.test("tfOp() throws TensorFlow's reason for a call it refuses", () => {
  const x = tf.tensor1d([1, 4]);
  assertThrows(() => tfOp("NoSuchOp", [x], { T }), Error, "NoSuchOp");
});

Deno.test("tfOp() keeps no tensor but its result", () => {
  const x = tf.tensor1d([1, 4]);
  assertNoLeak(() => tfOp("Sqrt", [x], { T }).dispose());
});

Deno.test("tfOp() runs inside customGrad", () => {
  const squareRoot = tf.customGrad((x, save) => {
    const y = tfOp("Sqrt", [x as tf.Tensor], { T });
    (save as tf.GradSaveFunc)([y]);
    return { value: y, gradFunc: (dy: tf.Tensor, [y]: tf.Tensor[]) => dy.div(y!.mul(2)) };
  });
  const gradient = tf.grad((x) => squareRoot(x).sum())(tf.tensor1d([4, 16]));
  assertClose(gradient, [0.25, 0.125]);
});

Deno.test("countOps() counts what tfjs and we call, and nothing after it, also when it throws", () => {
  const x = tf.tensor1d([1, 4]);
  const { total, byName } = countOps(() => {
    tf.tidy(() => x.add(x).add(tfOpOutputs("Sqrt", [x], { T }, 1)[0]!));
  });
  assertEquals(total, 3);
  assertEquals([...byName], [["Add", 2], ["Sqrt", 1]]);
  assertThrows(() => countOps(() => tfOp("NoSuchOp", [x], { T })), Error, "NoSuchOp");
  assertEquals(countOps(() => {}).total, 0);
  tf.dispose([x.add(x), x]);
  assertEquals([...byName], [["Add", 2], ["Sqrt", 1]]);
});
