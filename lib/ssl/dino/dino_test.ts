import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import {
  createDinoHead,
  dinoBottleneck,
  dinoHead,
  type DinoHeadConfig,
  prototypeLogits,
} from "lib/ssl/distillation/head.ts";
import { dinoLoss, nextCenter, teacherProbabilities } from "lib/ssl/distillation/loss.ts";
import { featuresOf } from "lib/ssl/method/network.ts";
import type { Views } from "lib/ssl/views/views.ts";
import {
  createDinoState,
  type DinoState,
  dinoStep,
  disposeDinoState,
  loadDinoState,
  saveDinoState,
  type StepValues,
} from "lib/testing/dino.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const headConfig: DinoHeadConfig = {
  hiddenDim: 12,
  bottleneckDim: 6,
  outDim: 10,
  batchNorm: true,
  normLastLayer: true,
};
const modelConfig = {
  arch: "convnext",
  depths: [1, 1],
  dims: [8, 16],
  kernelSize: 3,
  batchNorm: true,
  dwconvBias: false,
  patchSize: 4,
  dropPathRate: 0.2,
  layerScaleInit: 0.1,
} as const;
const now: StepValues = {
  lr: 0.01,
  weightDecay: 0.1,
  teacherMomentum: 0.9,
  teacherTemp: 0.05,
  studentTemp: 0.1,
  centerMomentum: 0.8,
  clipNorm: 0.5,
  freezeLastLayer: false,
};
const newState = (head = headConfig) => createDinoState(modelConfig, head, createRng(0));
const views = (local = 1): Views => ({
  global: tf.randomNormal([8, 16, 16, 3], 0, 1, "float32", 1) as tf.Tensor4D,
  local: local === 0
    ? null
    : tf.randomNormal([4 * local, 8, 8, 3], 0, 1, "float32", 2) as tf.Tensor4D,
});
const snapshot = (tree: object) =>
  new Map([...namedVariables(tree)].map(([name, v]) => [name, v.dataSync().slice()]));

// ---------------------------------------------------------------- loss

/** Cross-entropy over all pairs of distinct views, written out. */
function naiveLoss(student: number[][][], teacher: number[][][], center: number[]): number {
  const softmax = (row: number[]) => {
    const top = Math.max(...row);
    const exps = row.map((value) => Math.exp(value - top));
    const sum = exps.reduce((a, b) => a + b, 0);
    return exps.map((value) => value / sum);
  };
  let [total, terms] = [0, 0];
  teacher.forEach((view, t) =>
    student.forEach((other, v) => {
      if (v === t) return;
      view.forEach((logits, b) => {
        const q = softmax(logits.map((value, k) => (value - center[k]!) / 0.05));
        const p = softmax(other[b]!.map((value) => value / 0.1));
        total -= q.reduce((sum, value, k) => sum + value * Math.log(p[k]!), 0);
      });
      terms++;
    })
  );
  return total / terms / teacher[0]!.length;
}

const logits = (count: number, seed: number) =>
  tf.randomNormal<tf.Rank.R3>([count, 3, 5], 0, 0.3, "float32", seed);
const center = tf.tensor1d([0.3, -0.2, 0, 0.1, -0.4]); // not zeros: a zero centre hides its sign

for (const count of [2, 3, 6, 10]) {
  Deno.test(`dinoLoss() equals the written-out sum over 2 × ${count} views`, () => {
    const [student, teacher] = [logits(count, 1), logits(2, 7)];
    const q = teacherProbabilities(teacher, center, 0.05);
    const expected = naiveLoss(student.arraySync(), teacher.arraySync(), center.arraySync());
    assertClose(dinoLoss(student, q, 0.1), expected);
  });
}

Deno.test("dinoLoss() throws when the only pair is a view with itself", () => {
  assertThrows(() => dinoLoss(logits(1, 1), logits(1, 2), 0.1), RangeError, "V is 1");
});

Deno.test("nextCenter() moves 1 − m of the way to the mean over views and images", () => {
  const teacher = tf.tensor3d([[[1, 2]], [[3, 6]]]); // [2, 1, 2], mean [2, 4]
  assertClose(nextCenter(tf.tensor1d([10, 0]), teacher, 0.75), [8, 1]);
});

// ---------------------------------------------------------------- head

Deno.test("dinoHead() gives cosines between unit bottleneck and unit prototypes, times g", () => {
  const head = createDinoHead(4, { ...headConfig, batchNorm: false }, createRng(1));
  const x = tf.randomNormal([3, 4], 0, 1, "float32", 1) as tf.Tensor2D;
  const cosines = dinoHead(x, head, { training: true });
  assertTrue(cosines.abs().max().dataSync()[0]! <= 1 + 1e-6, "cosines are within ±1");
  // Only the direction of `weight_v` counts, not its length.
  head.last_layer.weight_v.assign(head.last_layer.weight_v.mul(3));
  assertClose(dinoHead(x, head, { training: true }), cosines);
  head.last_layer.weight_g.assign(head.last_layer.weight_g.mul(2));
  assertClose(dinoHead(x, head, { training: true }), cosines.mul(2));
});

Deno.test("the head has the official names, and freezes g with normLastLayer", () => {
  const names = (config: DinoHeadConfig) =>
    [...parameters(createDinoHead(4, config, createRng(1))).keys()].join(" ");
  assertEquals(
    names(headConfig),
    "mlp.0.weight mlp.0.bias mlp.1.weight mlp.1.bias mlp.3.weight mlp.3.bias mlp.4.weight " +
      "mlp.4.bias mlp.6.weight mlp.6.bias last_layer.weight_v",
  );
  assertEquals(
    names({ ...headConfig, batchNorm: false, normLastLayer: false }),
    "mlp.0.weight mlp.0.bias mlp.2.weight mlp.2.bias mlp.4.weight mlp.4.bias " +
      "last_layer.weight_g last_layer.weight_v",
  );
});

// ---------------------------------------------------------------- network

Deno.test("featuresOf() passes neighbours of one resolution together, others apart", () => {
  const a = tf.randomNormal([4, 16, 16, 3], 0, 1, "float32", 1) as tf.Tensor4D;
  const b = tf.randomNormal([4, 16, 16, 3], 3, 1, "float32", 2) as tf.Tensor4D;
  const { model } = newState().student;
  const together = featuresOf(model, [a, b], { training: true });
  assertClose(together, featuresOf(model, [tf.concat([a, b])], { training: true }));
  const apart = featuresOf(model, [a], { training: true });
  const gap = together.slice([0], [4]).sub(apart).abs().max().dataSync()[0]!;
  assertTrue(gap > 1e-3, "a shared pass shares BatchNorm's statistics");
});

// ---------------------------------------------------------------- step

Deno.test("dinoStep() moves the student, and the teacher 1 − m of the way to it", () => {
  const state = newState();
  const before = snapshot(state.teacher.params);
  const metrics = dinoStep(state, views(), now, createRng(1));
  const student = snapshot(state.student.params);
  const teacher = snapshot(state.teacher.params);
  for (const name of parameters(state.teacher.params).keys()) {
    const expected = before.get(name)!.map((old, i) => 0.9 * old + 0.1 * student.get(name)![i]!);
    assertClose(teacher.get(name)!, expected);
    assertTrue(before.get(name)!.some((old, i) => old !== student.get(name)![i]), `${name} moved`);
  }
  for (const value of Object.values(metrics)) assertTrue(Number.isFinite(value), "finite metrics");
  assertClose(metrics.kl + metrics.teacherEntropy, metrics.loss);
});

Deno.test("dinoStep() leaves BatchNorm's statistics of student and teacher their own", () => {
  const state = newState();
  dinoStep(state, views(), now, createRng(1));
  const name = "backbone.stages.0.0.bn.running_mean";
  const [student, teacher] = [state.student, state.teacher]
    .map(({ params }) => namedVariables(params).get(name)!.dataSync());
  const gap = student!.map((value, i) => Math.abs(value - teacher![i]!));
  assertTrue(Math.max(...gap) > 1e-6, "the student saw local crops too");
  assertTrue(teacher!.some((value) => value !== 0), "the teacher runs in training mode");
});

Deno.test("dinoStep() with a frozen last layer leaves the prototypes and their moments alone", () => {
  const state = newState();
  const before = snapshot(state.student.params).get("head.last_layer.weight_v")!;
  dinoStep(state, views(), { ...now, freezeLastLayer: true }, createRng(1));
  assertEquals(snapshot(state.student.params).get("head.last_layer.weight_v")!, before);
  assertTrue(!state.optimizer.has("head.last_layer.weight_v"), "no moments");
});

Deno.test("dinoStep() takes the centre's step from the raw logits of the teacher, after the loss", () => {
  const state = newState();
  const crops = views();
  const { model, params: { head } } = state.teacher;
  const features = featuresOf(model, [crops.global], { training: true });
  const bottleneck = dinoBottleneck(features, head, { training: true });
  const logits = prototypeLogits(bottleneck, head.last_layer);
  dinoStep(state, crops, now, createRng(1));
  assertClose(state.center, logits.mean(0).mul(0.2));
});

Deno.test("dinoStep() throws on a loss that is not finite, and changes no weight", () => {
  const state = newState();
  const { global, local } = views();
  const before = snapshot({ student: parameters(state.student.params), c: state.center });
  const poisoned = { global: global.mul(NaN) as tf.Tensor4D, local };
  assertThrows(() => dinoStep(state, poisoned, now, createRng(1)), RangeError, "loss is NaN");
  assertEquals(snapshot({ student: parameters(state.student.params), c: state.center }), before);
  assertEquals(state.optimizer.size, 0);
});

Deno.test("dinoStep() clips each gradient at clipNorm, and with 0 none", () => {
  const buffers = (clipNorm: number) => {
    const state = newState();
    const { gradNorm } = dinoStep(
      state,
      views(),
      { ...now, clipNorm, optimizer: "sgd", weightDecay: 0 },
      createRng(1),
    );
    // The first buffer of SGD is the gradient.
    const gradients = [...state.optimizer.values()].map(({ tensors }) => tensors.momentum!);
    return { gradNorm, norms: gradients.map((gradient) => gradient.norm().dataSync()[0]!) };
  };
  const [clipped, off] = [buffers(0.5), buffers(0)];
  assertClose(off.gradNorm, clipped.gradNorm);
  assertClose(Math.hypot(...off.norms), off.gradNorm);
  assertClose(clipped.norms, off.norms.map((norm) => Math.min(norm, 0.5)));
  assertTrue(Math.max(...off.norms) > 0.5, "something was clipped");
});

Deno.test("dinoStep() learns: twenty steps on the same views lower the divergence", () => {
  const state = newState();
  const crops = views(2);
  const kl = Array.from({ length: 20 }, () => dinoStep(state, crops, now, createRng(1)).kl);
  assertTrue(kl.at(-1)! < 0.7 * kl[0]!, `KL went from ${kl[0]} to ${kl.at(-1)}`);
});

Deno.test("dinoStep() is deterministic to the last bit", () => {
  const run = () => {
    const state = newState();
    const crops = views();
    for (let i = 0; i < 3; i++) dinoStep(state, crops, now, createRng(i));
    return snapshot({ student: state.student.params, teacher: state.teacher.params });
  };
  assertEquals(run(), run());
});

Deno.test("dinoStep() keeps no tensor, with and without local crops", () => {
  for (const local of [0, 2]) {
    const state = newState();
    const crops = views(local);
    assertNoLeak(() => void dinoStep(state, crops, now, createRng(1)));
  }
});

Deno.test("disposeDinoState() frees everything", () => {
  const before = tf.memory().numTensors;
  const state = newState();
  const crops = views();
  dinoStep(state, crops, now, createRng(1));
  disposeDinoState(state);
  tf.dispose([crops.global, crops.local!]);
  assertEquals(tf.memory().numTensors, before);
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw", "sgd", "lars"] as const) {
  Deno.test(`a state saved and loaded under ${optimizer} goes on with the same bits`, async () => {
    const folder = Deno.makeTempDirSync();
    try {
      const path = `${folder}/checkpoint.safetensors`;
      const crops = views();
      const step = (state: DinoState, i: number) =>
        // two steps before, one of them with a frozen layer, whose slots then begin later
        void dinoStep(state, crops, { ...now, optimizer, freezeLastLayer: i === 0 }, createRng(i));
      const straight = newState();
      [0, 1].forEach((i) => step(straight, i));
      await saveDinoState(path, straight, 2);
      [2, 3].forEach((i) => step(straight, i));
      const resumed = newState();
      dinoStep(resumed, crops, now, createRng(9)); // loading must replace this state of AdamW
      assertEquals(loadDinoState(path, resumed), 2);
      [2, 3].forEach((i) => step(resumed, i));
      assertEquals(snapshot(resumed.student.params), snapshot(straight.student.params));
      assertEquals(snapshot(resumed.teacher.params), snapshot(straight.teacher.params));
      assertEquals(resumed.center.dataSync(), straight.center.dataSync());
      const slots = ({ optimizer }: DinoState) =>
        [...optimizer].map(([name, { tensors, steps }]) => [name, steps, snapshot(tensors)]).sort();
      assertEquals(slots(resumed), slots(straight));
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assertEquals(files, ["checkpoint.safetensors"]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

Deno.test("loadDinoState() refuses another network and a damaged file, and names them", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/checkpoint.safetensors`;
    await saveDinoState(path, newState(), 0);
    const other = newState({ ...headConfig, outDim: 11 });
    const before = snapshot(other.student.params);
    assertThrows(() => loadDinoState(path, other), Error, "[10], this run needs [11]");
    assertEquals(snapshot(other.student.params), before);
    const bytes = Deno.readFileSync(path);
    for (const length of [0, 4, 100, bytes.length - 1]) {
      Deno.writeFileSync(path, bytes.subarray(0, length));
      assertThrows(() => loadDinoState(path, newState()), Error, path);
    }
    assertThrows(() => loadDinoState(`${folder}/none`, newState()), Error, "none");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
