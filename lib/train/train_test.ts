import * as tf from "lib/tf.ts";
import { adamWStep } from "./adamw.ts";
import { clipScales } from "./clip.ts";
import { emaUpdate } from "./ema.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { cosineSchedule, linearWarmup, stepSchedule } from "./schedules.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

const variable = (values: number[][]) => tf.variable(tf.tensor2d(values));

Deno.test("adamWStep() equals the written-out update over several steps", () => {
  const options = { lr: 0.1, weightDecay: 0.3, beta1: 0.8, beta2: 0.95, eps: 1e-4 };
  const weight = variable([[1, -2, 0.5]]);
  const state: OptimizerState = new Map();
  const gradients = [[0.3, -1, 2], [0.1, 0.5, -4], [-2, 0, 1]];
  const expected = [1, -2, 0.5];
  const [m, v] = [[0, 0, 0], [0, 0, 0]];
  gradients.forEach((gradient, step) => {
    adamWStep(new Map([["w", weight]]), new Map([["w", tf.tensor2d([gradient])]]), state, options);
    gradient.forEach((g, i) => {
      expected[i]! *= 1 - 0.1 * 0.3;
      m[i] = 0.8 * m[i]! + 0.2 * g;
      v[i] = 0.95 * v[i]! + 0.05 * g * g;
      const [mHat, vHat] = [m[i]! / (1 - 0.8 ** (step + 1)), v[i]! / (1 - 0.95 ** (step + 1))];
      expected[i]! -= 0.1 * mHat / (Math.sqrt(vHat) + 1e-4);
    });
  });
  assertClose(weight, expected);
});

Deno.test("adamWStep() keeps moments by name: a weight skipped once has its own bias correction", () => {
  const options = { lr: 0.1, weightDecay: 0 };
  const [a, b] = [variable([[1]]), variable([[1]])];
  const weights = new Map([["a", a], ["b", b]]);
  const state: OptimizerState = new Map();
  adamWStep(weights, new Map([["a", tf.tensor2d([[5]])]]), state, options);
  assertClose(b, [1]);
  adamWStep(weights, new Map([["b", tf.tensor2d([[-3]])]]), state, options);
  assertClose(b, [1.1]); // a first Adam step has length lr whatever the gradient
  assertEquals([state.get("a")!.steps, state.get("b")!.steps], [1, 1]);
});

Deno.test("adamWStep() decays matrices, not vectors nor biases", () => {
  const [matrix, gamma] = [variable([[2]]), tf.variable(tf.tensor1d([2]))];
  const weights = new Map<string, tf.Variable>([["w", matrix], ["gamma", gamma]]);
  const grads = new Map<string, tf.Tensor>([["w", tf.zeros([1, 1])], ["gamma", tf.zeros([1])]]);
  adamWStep(weights, grads, new Map(), { lr: 0.5, weightDecay: 0.2 });
  assertClose(matrix, [1.8]);
  assertClose(gamma, [2]);
  const stranger = new Map([["stranger", tf.zeros([1])]]);
  assertThrows(
    () => adamWStep(weights, stranger, new Map(), { lr: 1, weightDecay: 0 }),
    TypeError,
    "stranger",
  );
});

Deno.test("clipScales() scales each tensor by its own norm and reports the norm of all", () => {
  const grads = new Map([["long", tf.tensor1d([3, 4])], ["short", tf.tensor1d([0.6, 0.8])]]);
  const { scales, norm } = clipScales(grads, 2);
  assertClose([scales.get("long")!, scales.get("short")!], [0.4, 1]);
  assertClose(norm, Math.sqrt(26));
  const together = clipScales(grads, 2, true);
  assertClose([...together.scales.values()], [2 / Math.sqrt(26), 2 / Math.sqrt(26)]);
  assertEquals([...clipScales(grads, 6, true).scales.values()], [1, 1]);
  assertEquals([together.norm, clipScales(new Map(), 2).norm], [norm, 0]);
  assertThrows(() => clipScales(grads, 0), RangeError, "current is 0");
});

Deno.test("emaUpdate() moves the teacher 1 − m of the way", () => {
  const [teacher, student] = [variable([[1, 2]]), variable([[5, 0]])];
  emaUpdate(new Map([["w", teacher]]), new Map([["w", student]]), 0.75);
  assertClose(teacher, [2, 1.5]);
  assertClose(student, [5, 0]);
  assertThrows(() => emaUpdate(new Map([["v", teacher]]), new Map(), 0.5), TypeError, "v");
});

Deno.test("cosineSchedule() gives the reference's array", () => {
  const options = { base: 2, final: 0.5, totalSteps: 7, warmupSteps: 3 };
  const values = Array.from({ length: 7 }, (_, step) => cosineSchedule(step, options));
  const cosine = [0, 1, 2, 3].map((i) => 0.5 + 0.5 * 1.5 * (1 + Math.cos(Math.PI * i / 4)));
  assertClose(values, [0, 1, 2, ...cosine]);
  assertThrows(() => cosineSchedule(7, options), RangeError, "step 7");
});

Deno.test("linearWarmup() rises over the epochs, both ends included, and stays", () => {
  const at = (epoch: number) => linearWarmup(epoch, { start: 0.04, end: 0.07, warmupEpochs: 4 });
  assertClose([0, 1, 2, 3, 4, 50].map(at), [0.04, 0.05, 0.06, 0.07, 0.07, 0.07]);
});

Deno.test("stepSchedule() warms up from a thousandth and falls to a tenth at each drop, as mmcv's", () => {
  const options = { base: 2, drops: [8, 12], warmupSteps: 4 };
  const at = [0, 1, 3, 4, 7, 8, 11, 12, 100].map((step) => stepSchedule(step, options));
  assertClose(at, [0.002, 2 * 0.25075, 2 * 0.75025, 2, 2, 0.2, 0.2, 0.02, 0.02], 1e-6);
  assertClose(stepSchedule(0, { ...options, warmupSteps: 0 }), 2, 1e-9);
});
