import * as tf from "lib/tf.ts";
import { lossAndGradients, tellGradients } from "./gradients.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const weights = new Map(
  [1, 2, 3, 4].map((seed) => [
    `w${seed}`,
    tf.variable(tf.randomNormal([64, 64], 0, 0.1, "float32", seed)),
  ]),
);
const x = tf.randomNormal([256, 64], 0, 1, "float32", 9);

/**
 * The loss of a network with everything that is difficult for a tape: shared inputs, sums,
 * reshapes, an op that returns its own `dy`, an unused weight.
 */
function loss(seen?: (bytes: number) => void): tf.Scalar {
  const [w1, w2, w3] = [...weights.values()] as unknown as tf.Tensor2D[];
  const passOn = tf.customGrad((input) => ({
    value: (input as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => {
      seen?.(tf.memory().numBytes);
      return dy;
    },
  }));
  const h = passOn(tf.matMul(x as tf.Tensor2D, w1!)).tanh();
  let y = h;
  for (let i = 0; i < 6; i++) {
    const branch = tf.matMul(y.reshape([256, 64]) as tf.Tensor2D, w2!).tanh();
    y = y.add(branch).add(y.mul(0.5)).tanh();
  }
  const parts = tf.split(tf.concat([y, h], 1), 2, 1);
  return tf.matMul(parts[0]! as tf.Tensor2D, w3!).mul(parts[1]!).square().mean().asScalar();
}

Deno.test("lossAndGradients() gives what tf.variableGrads() gives, to the last bit", () => {
  const { value, grads } = lossAndGradients(loss, weights);
  const expected = tf.variableGrads(() => loss(), [...weights.values()]);
  assertClose(value, expected.value, 0);
  assertEquals([...grads.keys()], ["w1", "w2", "w3"]);
  for (const [name, grad] of grads) {
    assertEquals(grad.dataSync(), expected.grads[weights.get(name)!.name]!.dataSync());
  }
});

Deno.test("tellGradients() tells each gradient when it is complete, to the last bit", () => {
  const { value: expectedValue, grads: expected } = lossAndGradients(loss, weights);
  const told: string[] = [];
  assertNoLeak(() => {
    told.splice(0);
    const value = tellGradients(loss, weights, (name, grad) => {
      told.push(name);
      assertEquals(grad.dataSync(), expected.get(name)!.dataSync());
      grad.dispose();
    });
    assertClose(value, expectedValue, 0);
    value.dispose();
  });
  assertEquals(told, ["w3", "w2", "w1"]); // the last layer first
});

Deno.test("tellGradients() tells a gradient also of a weight that an op uses in vain", () => {
  const [w1, w2] = [...weights.values()] as unknown as [tf.Tensor2D, tf.Tensor2D];
  const told: string[] = [];
  assertNoLeak(() => {
    told.splice(0);
    const run = () => {
      tf.matMul(w2, w1); // the loss does not depend on it
      return tf.matMul(w2, w2).square().mean().add(w1.sum()) as tf.Scalar;
    };
    const value = tellGradients(run, weights, (name, grad) => {
      told.push(name);
      grad.dispose();
    });
    value.dispose();
  });
  assertEquals(told.toSorted(), ["w1", "w2"]);
});

Deno.test("lossAndGradients() holds little at the end of the way back", () => {
  const at = (run: (seen: (bytes: number) => void) => void) => {
    const before = tf.memory().numBytes;
    let held = 0;
    tf.tidy(() => run((bytes) => held = bytes - before));
    return held;
  };
  const ours = at((seen) => lossAndGradients(() => loss(seen), weights));
  const theirs = at((seen) => tf.variableGrads(() => loss(seen), [...weights.values()]));
  const activation = 4 * x.size;
  assertTrue(ours <= 6 * activation, `${ours} bytes held, ${activation} in one activation`);
  assertTrue(theirs > 20 * activation, `the comparison is not what it was: ${theirs} bytes`);
});

Deno.test("lossAndGradients() keeps nothing but its results", () => {
  assertNoLeak(() => {
    const { value, grads } = lossAndGradients(loss, weights);
    tf.dispose([value, ...grads.values()]);
  });
});

Deno.test("lossAndGradients() says what has no gradient, and then keeps nothing", () => {
  const [w1] = [...weights.values()] as unknown as [tf.Tensor2D];
  const fails = (loss: () => tf.Scalar, message: string) =>
    assertNoLeak(() => {
      tf.tidy(() => assertThrows(() => lossAndGradients(loss, weights), Error, message));
    });
  fails(() => x.square().mean(), "the loss depends on no weight");
  fails(() => tf.topk(w1, 2).values.square().mean(), "TopK has none for its input x");
  fails(() => {
    w1.square();
    throw new RangeError("the loss failed");
  }, "the loss failed");
  fails(() => lossAndGradients(() => w1.mean(), weights).value, "inside of gradients");
  assertClose(
    lossAndGradients(() => w1.mean(), weights).grads.get("w1")!,
    tf.fill([64, 64], 1 / 4096),
  );
});
