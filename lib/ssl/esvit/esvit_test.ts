import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createModel } from "lib/models/mod.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import { backboneStream, featuresOf, firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { createEsvit } from "./esvit.ts";
import { createEsvitNetworks, esvitHeadCost, runEsvit } from "./networks.ts";
import type { EsvitRecipe } from "./recipe.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { disposeTraining, numbersOf } from "lib/testing/methods.ts";

const recipe: EsvitRecipe = {
  method: "esvit",
  model: {
    arch: "convnext",
    depths: [1, 1],
    dims: [8, 16],
    kernelSize: 3,
    batchNorm: true,
    dwconvBias: false,
    patchSize: 4,
    dropPathRate: 0.2,
    layerScaleInit: 0.1,
  },
  head: { hiddenDim: 12, bottleneckDim: 6, outDim: 10, batchNorm: true, normLastLayer: false },
  crops: { ...dinoCrops, globalSize: 16, localSize: 8, localCrops: 2 },
  batchSize: 256, // the learning rate is as given
  epochs: 1,
  lr: 0.01,
  minLr: 0.01,
  warmupShare: 0,
  weightDecay: 0.1,
  weightDecayEnd: 0.1,
  clipNorm: 0.5,
  freezeLastLayerShare: 0.2,
  studentTemp: 0.1,
  teacherTemp: 0.05,
  warmupTeacherTemp: 0.05,
  warmupTeacherTempShare: 0,
  teacherMomentum: 0.9,
  centerMomentum: 0.8,
};
const images = 4;
const views = (local = 2, count = images): Views => ({
  global: tf.randomNormal([2 * count, 16, 16, 3], 0, 1, "float32", 1) as tf.Tensor4D,
  local: local === 0
    ? null
    : tf.randomNormal([local * count, 8, 8, 3], 0, 1, "float32", 2) as tf.Tensor4D,
});
const at = (step: number, totalSteps = 10): Moment => ({
  step,
  stepsPerEpoch: totalSteps,
  totalSteps,
  rng: createRng(step),
});

function newTraining(changes: Partial<EsvitRecipe> = {}): Training {
  const method = createEsvit({ ...recipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

// ---------------------------------------------------------------- networks

Deno.test("EsViT's networks start from the run's own backbone, and lie in the state", () => {
  const { method } = newTraining();
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`teacher.backbone.${name}`) === weight, `${name} is in the state`);
  }
  const [head, dense] = ["head", "head_dense"].map((name) =>
    method.state.get(`student.${name}.mlp.0.weight`)!.dataSync()
  );
  assertTrue(head!.some((x, i) => x !== dense![i]), "the two heads start from other weights");
  assertEquals([...method.state.keys()].slice(0, 2), ["center", "center_grid"]);
});

Deno.test("runEsvit() gives the tokens of each view in order, and a bottleneck for each", () => {
  const { student } = createEsvitNetworks(recipe.model, recipe.head, createRng(0));
  const { global, local } = views();
  const output = runEsvit(student, [global, local!], images, { training: true });
  assertEquals(output.tokens.map(({ shape }) => shape), [
    ...[0, 1].map(() => [images, 4, 16]), // 16 pixels: a map of 2 × 2
    ...[0, 1].map(() => [images, 1, 16]),
  ]);
  assertEquals(output.views.shape, [4 * images, 6]);
  assertEquals(output.regions.shape, [(4 + 4 + 1 + 1) * images, 6]);
  assertClose(output.features, featuresOf(student.model, [global, local!], { training: true }));
  // a view of one token has that token as its features
  const locals = output.features.slice([2 * images]);
  assertClose(tf.concat(output.tokens.slice(2)).reshape(locals.shape), locals, 1e-5);
});

Deno.test("esvitHeadCost() counts what both heads report as they run", () => {
  const { student } = createEsvitNetworks(recipe.model, recipe.head, createRng(0));
  const global = tf.zeros<tf.Rank.R4>([1, 16, 16, 3]);
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const backbone = costOf(() => void student.model.forward(global, { training: false }));
  const mlps = costOf(() => void runEsvit(student, [global], 1, { training: false })) - backbone;
  const prototypes = (1 + 4) * 6 * 10; // `runEsvit` stops before them
  const cost = mlps + prototypes;
  assertEquals(esvitHeadCost(16, recipe.head, 4), { onTape: cost, constant: cost });
});

// ---------------------------------------------------------------- step

Deno.test("a step moves every weight of the student, the teacher 1 − m of the way, and both centres", () => {
  const training = newTraining();
  const { method } = training;
  const before = new Map([...method.state].map(([name, x]) => [name, x.dataSync().slice()]));
  const metrics = trainStep(training, views(), recipe, at(5));
  assertEquals(Object.keys(metrics), [
    ...["loss", "gradNorm", "viewLoss", "regionLoss", "centerNorm", "regionCenterNorm"],
    ...["teacherEntropy", "regionEntropy", "kl", "regionKl", "featureStd"],
  ]);
  for (const value of Object.values(metrics)) assertTrue(Number.isFinite(value), "finite metrics");
  assertClose(metrics.viewLoss! + metrics.regionLoss!, 2 * metrics.loss);
  assertTrue(metrics.regionKl! > 0 && metrics.kl! > 0, "divergences are positive");
  const momentum = 1 - 0.1 * (1 + Math.cos(Math.PI * 5 / 10)) / 2;
  for (const [name, weight] of method.weights) {
    const student = weight.dataSync();
    const old = before.get(`teacher.${name}`)!;
    assertTrue(student.some((x, i) => x !== old[i]), `${name} has not moved`);
    const expected = old.map((x, i) => momentum * x + (1 - momentum) * student[i]!);
    assertClose(method.state.get(`teacher.${name}`)!, expected, 1e-5);
  }
  assertTrue(metrics.centerNorm! > 0 && metrics.regionCenterNorm! > 0, "the centres have moved");
  disposeTraining(training);
});

Deno.test("a step with frozen last layers moves neither, nor keeps moments for them", () => {
  const training = newTraining();
  const names = ["head.last_layer.weight_v", "head_dense.last_layer.weight_v"];
  const before = names.map((name) => training.method.weights.get(name)!.dataSync().slice());
  trainStep(training, views(), recipe, at(0));
  names.forEach((name, i) => {
    assertEquals(training.method.weights.get(name)!.dataSync(), before[i], name);
    assertTrue(!training.optimizer.has(name), "no moments");
  });
  disposeTraining(training);
});

for (const accumulate of [2, 3]) {
  Deno.test(`a step in ${accumulate} micro-batches is the step of the whole batch`, () => {
    const plain = {
      model: { ...recipe.model, batchNorm: false, dropPathRate: 0 } as EsvitRecipe["model"],
      head: { ...recipe.head, batchNorm: false },
    };
    const [whole, parts] = [newTraining(plain), newTraining(plain)];
    const expected = trainStep(whole, views(), recipe, at(5));
    const actual = trainStep(parts, views(), { ...recipe, accumulate }, at(5));
    assertClose(Object.values(actual), Object.values(expected), 1e-5);
    for (const [name, x] of parts.method.state) {
      assertClose(x, whole.method.state.get(name)!, 1e-4);
    }
    [whole, parts].forEach(disposeTraining);
  });
}

Deno.test("EsViT keeps no tensor, with and without local crops, and in micro-batches", () => {
  for (const [local, accumulate] of [[2, 1], [0, 1], [2, 2]] as const) {
    const training = newTraining();
    const crops = views(local);
    assertNoLeak(() => void trainStep(training, crops, { ...recipe, accumulate }, at(5)));
    disposeTraining(training);
  }
});

Deno.test("disposing of EsViT frees everything", () => {
  const before = tf.memory().numTensors;
  const training = newTraining();
  tf.tidy(() => void trainStep(training, views(), recipe, at(5)));
  disposeTraining(training);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("a loss that is not finite stops EsViT before a weight has changed", () => {
  const training = newTraining();
  const before = [...training.method.weights].map(([, x]) => x.dataSync().slice());
  const { global, local } = views();
  const poisoned = { global: global.mul<tf.Tensor4D>(NaN), local };
  assertThrows(() => trainStep(training, poisoned, recipe, at(5)), RangeError, "the loss is NaN");
  assertEquals([...training.method.weights].map(([, x]) => x.dataSync().slice()), before);
  disposeTraining(training);
});

Deno.test("the region loss reaches the backbone through its own head alone, not through the choice of tokens", () => {
  // With the first layer of that head at 0, only the view loss moves the backbone, whatever the
  // region loss is.
  const training = newTraining({ head: { ...recipe.head, batchNorm: false } });
  const { method } = training;
  for (const [name, x] of method.weights) {
    if (name === "head_dense.mlp.0.weight") x.assign(tf.zerosLike(x));
  }
  const run = () => batchGradients(method, views(), 1, at(5)).grads;
  const grads = run();
  const stem = grads["backbone.downsample_layers.0.0.weight"]!.dataSync().slice();
  const dense = method.weights.get("head_dense.mlp.2.weight")!;
  dense.assign(dense.mul(3));
  assertEquals(run()["backbone.downsample_layers.0.0.weight"]!.dataSync(), stem);
  assertTrue(stem.some((x) => x !== 0), "the view loss has a gradient");
  disposeTraining(training);
});

Deno.test("a run of EsViT that is saved and loaded goes on with the same bits", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/checkpoint.safetensors`;
    const straight = newTraining();
    const step = (training: Training, i: number) =>
      tf.tidy(() => void trainStep(training, views(), recipe, at(i)));
    [1, 2].forEach((i) => step(straight, i));
    await saveTraining(path, straight, 2);
    [3, 4].forEach((i) => step(straight, i));
    const resumed = newTraining();
    step(resumed, 9); // loading must replace this state
    assertEquals(loadTraining(path, resumed), 2);
    [3, 4].forEach((i) => step(resumed, i));
    assertEquals(numbersOf(resumed), numbersOf(straight));
    [straight, resumed].forEach(disposeTraining);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
