import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import {
  createDinoState,
  dinoGradients,
  type DinoState,
  dinoStep,
  type StepValues,
} from "lib/testing/dino.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const plain = {
  arch: "convnext",
  depths: [1, 2],
  dims: [8, 16],
  kernelSize: 3,
  batchNorm: false,
  dwconvBias: true,
  patchSize: 4,
  dropPathRate: 0,
  layerScaleInit: 0.5,
} as const;
const head = {
  hiddenDim: 12,
  bottleneckDim: 6,
  outDim: 10,
  batchNorm: false,
  normLastLayer: false,
};
const now: StepValues = {
  lr: 0.05,
  weightDecay: 0.1,
  teacherMomentum: 0.9,
  teacherTemp: 0.4, // lower ones make a rounding error of a logit ten times as large
  studentTemp: 0.5,
  centerMomentum: 0.8,
  clipNorm: 0.5,
  freezeLastLayer: false,
  optimizer: "sgd",
};
const images = 5; // no multiple of 2 or 3
const views = (): Views => ({
  global: tf.randomNormal([2 * images, 16, 16, 3], 0, 1, "float32", 1) as tf.Tensor4D,
  local: tf.randomNormal([3 * images, 8, 8, 3], 0, 1, "float32", 2) as tf.Tensor4D,
});

/** A state whose centre is not 0 and whose student is not the teacher. */
function newState(model: Parameters<typeof createDinoState>[0] = plain): DinoState {
  const state = createDinoState(model, head, createRng(0));
  const noise = createRng(1);
  for (const variable of namedVariables(state.student.params).values()) {
    const values = variable.dataSync<"float32">().map((value) => value + noise.normal(0, 0.02));
    if (variable.trainable) variable.assign(tf.tensor(values, variable.shape));
  }
  state.center.assign(tf.randomNormal([head.outDim], 0, 0.3, "float32", 3) as tf.Tensor1D);
  return state;
}

const numbersOf = ({ student, teacher, center, optimizer }: DinoState): Map<string, tf.Tensor> =>
  new Map<string, tf.Tensor>([
    ...namedVariables({ student: student.params, teacher: teacher.params }),
    ...[...optimizer].flatMap(([name, { tensors }]) =>
      Object.entries(tensors).map(([role, tensor]) => [`${name} ${role}`, tensor] as const)
    ),
    ["center", center],
  ]);

for (const accumulate of [2, 3, 5]) {
  Deno.test(`a step in ${accumulate} micro-batches is the step of the whole batch, to 1e-6`, () => {
    const [whole, parts] = [newState(), newState()];
    const crops = views();
    for (let step = 0; step < 2; step++) {
      const expected = dinoStep(whole, crops, now, createRng(1));
      const actual = dinoStep(parts, crops, { ...now, accumulate }, createRng(1));
      assertClose(Object.values(actual), Object.values(expected), 1e-6);
    }
    const expected = numbersOf(whole);
    for (const [name, value] of numbersOf(parts)) assertClose(value, expected.get(name)!, 1e-6);
  });
}

Deno.test("batchGradients() in micro-batches keeps the loss and the gradients of each image's share", () => {
  const state = newState();
  const crops = views();
  const whole = dinoGradients(state, crops, now, createRng(1));
  const parts = dinoGradients(state, crops, { ...now, accumulate: 2 }, createRng(1));
  assertClose(parts.loss, whole.loss, 1e-6);
  assertClose(parts.means.entropy!, whole.means.entropy!, 1e-6);
  assertClose(parts.means.center!, whole.means.center!, 1e-6);
  assertEquals(Object.keys(parts.grads), Object.keys(whole.grads));
  for (const [name, grad] of Object.entries(parts.grads)) {
    assertClose(grad, whole.grads[name]!, 1e-5);
  }
});

Deno.test("in micro-batches, BatchNorm moves its running statistics by each of them", () => {
  const model = { ...plain, batchNorm: true, dwconvBias: false };
  const crops = views();
  const means = (accumulate: number) => {
    const state = newState(model);
    dinoGradients(state, crops, { ...now, accumulate }, createRng(1));
    const buffers = namedVariables(state.teacher.params.backbone);
    return buffers.get("stages.0.0.bn.running_mean")!.dataSync<"float32">();
  };
  // From 0, one move is a tenth of the batch's mean; five are 1 − 0.9⁵ of about as much.
  const [one, five] = [means(1), means(5)];
  const ratio = Math.hypot(...five) / Math.hypot(...one);
  assertTrue(ratio > 3.5 && ratio < 4.7, `the statistics moved ${ratio} times as far`);
});

Deno.test("batchGradients() drops paths in the teacher only if told to, anew at each step", () => {
  const model = { ...plain, dropPathRate: 0.5 };
  const state = newState(model);
  const crops = views();
  const teacher = (options: Partial<StepValues>, rng: Rng) => {
    const { rows, means, loss } = dinoGradients(state, crops, { ...now, ...options }, rng);
    return { features: rows.features!.dataSync(), center: means.center!.dataSync(), loss };
  };
  const kept = teacher({}, createRng(1));
  assertEquals(teacher({ teacherDropPath: false }, createRng(2)).features, kept.features);
  const dropped = teacher({ teacherDropPath: true }, createRng(1));
  assertEquals(teacher({ teacherDropPath: true }, createRng(1)), dropped);
  const again = teacher({ teacherDropPath: true }, createRng(2));
  const gap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
  assertTrue(gap(dropped.features, kept.features) > 1e-2, "the teacher dropped nothing");
  assertTrue(gap(dropped.center, kept.center) > 1e-4, "the centre is of other logits");
  assertTrue(gap(again.features, dropped.features) > 1e-2, "two steps drop the same paths");
});

Deno.test("a model without stochastic depth is the same under teacherDropPath", () => {
  const crops = views();
  const losses = [false, true].map((teacherDropPath) =>
    dinoGradients(newState(), crops, { ...now, teacherDropPath }, createRng(1)).loss
  );
  assertEquals(losses[0], losses[1]);
});

Deno.test("batchGradients() keeps no tensor but its results, also in micro-batches", () => {
  for (const accumulate of [1, 3]) {
    const state = newState();
    const crops = views();
    assertNoLeak(() => {
      const { grads, means, rows } = dinoGradients(
        state,
        crops,
        { ...now, accumulate },
        createRng(1),
      );
      tf.dispose([grads, means, rows].flatMap(Object.values));
    });
    assertNoLeak(() => void dinoStep(state, crops, { ...now, accumulate }, createRng(1)));
  }
});

Deno.test("a bad micro-batch stops the step before anything has changed", () => {
  const state = newState();
  const before = new Map([...numbersOf(state)].map(([name, x]) => [name, x.dataSync().slice()]));
  const { global, local } = views();
  // Only the last micro-batch overflows.
  const last = tf.oneHot(tf.tensor1d([2 * images - 1], "int32"), 2 * images)
    .reshape<tf.Tensor4D>([2 * images, 1, 1, 1]).mul(1e38).mul<tf.Tensor4D>(1e38);
  const spoilt = { global: global.add<tf.Tensor4D>(tf.where(last.greater(0), last, 0)), local };
  const tensors = tf.memory().numTensors;
  const step = () => dinoStep(state, spoilt, { ...now, accumulate: 2 }, createRng(1));
  assertThrows(step, RangeError, "the first tensor that is not finite is the global views");
  assertEquals(tf.memory().numTensors, tensors);
  for (const [name, x] of numbersOf(state)) assertEquals(x.dataSync(), before.get(name)!, name);
});

Deno.test("batchGradients() refuses more micro-batches than images", () => {
  const run = () => dinoGradients(newState(), views(), { ...now, accumulate: 6 }, createRng(1));
  assertThrows(run, RangeError, "5 images into 6 micro-batches");
});
