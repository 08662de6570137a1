import * as tf from "lib/tf.ts";
import { disposeOptimizer, type OptimizerState } from "./optimizer_state.ts";
import { sgdStep } from "./sgd.ts";
import golden from "./golden/sgd.json" with { type: "json" };
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

Deno.test("sgdStep() equals PyTorch's SGD: momentum, a rate that changes, decay of matrices only", () => {
  const matrix = tf.variable(tf.tensor2d([[1, -2, 0.5], [0.25, 3, -1]]));
  const vector = tf.variable(tf.tensor1d([0.7, -0.2]));
  const weights = new Map<string, tf.Variable>([["matrix", matrix], ["vector", vector]]);
  const state: OptimizerState = new Map();
  const { momentum, weightDecay } = golden;
  for (const step of golden.steps) {
    const grads = new Map<string, tf.Tensor>([
      ["matrix", tf.tensor2d(step.matrixGrad, [2, 3])],
      ["vector", tf.tensor1d(step.vectorGrad)],
    ]);
    sgdStep(weights, grads, state, { lr: step.lr, momentum, weightDecay });
    assertClose(matrix, step.matrix, 1e-6);
    assertClose(vector, step.vector, 1e-6);
  }
});

Deno.test("sgdStep() keeps buffers by name: a weight without a gradient rests", () => {
  const [a, b] = [tf.variable(tf.tensor1d([1])), tf.variable(tf.tensor1d([1]))];
  const weights = new Map<string, tf.Variable>([["a", a], ["b", b]]);
  const state: OptimizerState = new Map();
  const step = (name: string, grad: number) =>
    sgdStep(weights, new Map([[name, tf.tensor1d([grad])]]), state, { lr: 0.1, momentum: 0.5 });
  step("a", 2);
  assertClose([a.dataSync()[0]!, b.dataSync()[0]!], [0.8, 1]);
  step("b", 4);
  assertClose([a.dataSync()[0]!, b.dataSync()[0]!], [0.8, 0.6]);
  step("a", 2); // buffer 3
  assertClose(a, [0.5]);
  assertThrows(() => step("c", 1), TypeError, "c");
  disposeOptimizer(state);
  assertEquals(state.size, 0);
});

Deno.test("sgdStep() keeps no tensor but its buffers, and a first gradient stays its owner's", () => {
  const weight = tf.variable(tf.tensor1d([1, 2]));
  const grad = tf.tensor1d([3, 4]);
  assertNoLeak(() => {
    const state: OptimizerState = new Map();
    for (let i = 0; i < 2; i++) {
      sgdStep(new Map([["w", weight]]), new Map([["w", grad]]), state, { lr: 1, momentum: 0.9 });
    }
    disposeOptimizer(state);
  });
  assertClose(grad, [3, 4]);
});
