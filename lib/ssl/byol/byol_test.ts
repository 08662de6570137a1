import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { optimizerNames } from "lib/train/optimizer_names.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Method } from "lib/ssl/method/method.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { createModel } from "lib/models/mod.ts";
import { byolAlarms } from "./alarms.ts";
import { createByol } from "./byol.ts";
import { byolCrops } from "./crops.ts";
import { byolLoss } from "./loss.ts";
import { byolHeadCost, createByolNetworks } from "./networks.ts";
import { type ByolRecipe, byolValues, targetMomentum } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import {
  assertFinite,
  assertKeepsNoTensor,
  assertLearns,
  assertNamesBadWeights,
  assertResumes,
  disposeTraining,
  fewWeights,
  firstAlarms,
  momentAt,
  shownAlarms,
  tinyImages,
  tinyModelOfAllPaths,
  tinyRecipe,
  tinyViews,
  valuesOf,
} from "lib/testing/methods.ts";

const recipe: ByolRecipe = {
  method: "byol",
  ...tinyRecipe,
  head: { hiddenDim: 12, outDim: 6 },
  crops: { ...byolCrops, globalSize: 16 },
  batchSize: 4,
  targetMomentum: 0.9,
};

function newTraining(changes: Partial<ByolRecipe> = {}): Training {
  const method = createByol({ ...recipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

// ---------------------------------------------------------------- loss

/** ‖p/‖p‖ − z/‖z‖‖², written out. */
function distance(p: number[], z: number[]): number {
  const [a, b] = [p, z].map((v) => Math.hypot(...v));
  return p.reduce((sum, x, i) => sum + (x / a! - z[i]! / b!) ** 2, 0);
}

Deno.test("byolLoss() equals the written-out distances: their sum over both directions, the mean over images", () => {
  const draw = (seed: number) => tf.randomNormal<tf.Rank.R2>([5, 7], 0.3, 2, "float32", seed);
  const [p1, p2, z1, z2] = [1, 2, 3, 4].map(draw) as [
    ...[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
  ];
  const rows = [p1, p2, z1, z2].map((x) => x.arraySync());
  const expected =
    rows[0]!.map((_, b) =>
      distance(rows[0]![b]!, rows[3]![b]!) + distance(rows[1]![b]!, rows[2]![b]!)
    ).reduce((sum, x) => sum + x) / 5;
  assertClose(byolLoss([p1, p2], [z2, z1]), expected, 1e-6);
});

Deno.test("byolLoss() is 0 for the same directions, 4 for two at right angles, 8 for opposite ones", () => {
  const [x, y] = [tf.tensor2d([[3, 0]]), tf.tensor2d([[0, 2]])];
  const minus = x.mul<tf.Tensor2D>(-5);
  assertClose(byolLoss([x, x], [x.mul(7), x]).add(1), 1);
  assertClose(byolLoss([x, y], [y, x]), 4);
  assertClose(byolLoss([x, minus], [minus, x]), 8);
});

// ---------------------------------------------------------------- networks and schedules

Deno.test("online network and target start from different weights, the online backbone from the run's own", () => {
  const { method } = newTraining();
  const model = createModel(recipe.model, backboneStream(0));
  const expected = namedVariables(model.params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`online.backbone.${name}`) === weight, `${name} is in the state`);
  }
  const names = [...method.state.keys()].filter((name) => /\.(weight|gamma)$/.test(name));
  const same = names.filter((name) => name.startsWith("target.")).filter((name) => {
    const [target, online] = [name, name.replace("target.", "online.")]
      .map((full) => method.state.get(full)!.dataSync());
    return target!.every((value, i) => value === online![i]);
  });
  assertTrue(
    same.every((name) => /norm|bn|gamma|\.1\.weight|layers\.\d\.[01]\.weight/.test(name)),
    `${same}`,
  );
  assertTrue(!same.includes("target.projector.0.weight"), "the projectors differ");
  assertTrue(!names.includes("target.predictor.0.weight"), "the target predicts nothing");
});

Deno.test("heads are linear with bias, BatchNorm, ReLU, linear without bias", () => {
  const { online } = createByolNetworks(recipe.model, recipe.head, createRng(0));
  const heads = parameters({ projector: online.params.projector });
  assertEquals([...heads].map(([name, { shape }]) => `${name} ${shape}`), [
    "projector.0.weight 16,12",
    "projector.0.bias 12",
    "projector.1.weight 12",
    "projector.1.bias 12",
    "projector.3.weight 12,6",
  ]);
});

Deno.test("a head's weights spread as Haiku's: 1/√in, cut at two standard deviations", () => {
  const head = { hiddenDim: 400, outDim: 300 };
  const { online } = createByolNetworks(recipe.model, head, createRng(0));
  const { weight } = online.params.predictor[0] as { weight: tf.Variable };
  const values = weight.dataSync<"float32">();
  const std = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  assertClose(std * Math.sqrt(300), 0.8796, 5e-3); // a Gaussian cut at ±2
  assertTrue(Math.max(...values) <= 2 / Math.sqrt(300), "nothing is beyond two");
});

Deno.test("schedules are the official code's: the peak comes after the warm-up, the momentum rises to 1", () => {
  const changed = { ...recipe, batchSize: 512, lr: 0.2, warmupShare: 0.1 };
  const lr = (step: number) => byolValues(changed, { step, totalSteps: 100 }).lr;
  assertClose([0, 1, 9, 10].map(lr), [0, 0.04, 0.36, 0.4]);
  assertClose(lr(55), 0.2); // half-way after the warm-up
  assertClose(lr(99), 0.2 * (1 + Math.cos(Math.PI * 89 / 90)));
  const momentum = (step: number) => targetMomentum(recipe, { step, totalSteps: 100 });
  assertClose([0, 50].map(momentum), [0.9, 0.95]);
  assertClose(momentum(99), 1 - 0.1 * 0.5 * (1 + Math.cos(Math.PI * 0.99)));
});

Deno.test("byolHeadCost() counts what the heads report as they run", () => {
  const training = newTraining();
  const global = tf.zeros<tf.Rank.R4>([2, 16, 16, 3]);
  const backbone = countCosts(() => {
    training.method.evaluated.forward(global, { training: false });
  }).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  let pass: ReturnType<Method["pass"]> | undefined;
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0) - backbone;
  const constant = costOf(() => pass = training.method.pass({ global, local: null }, momentAt(0)));
  const onTape = costOf(() => pass!.loss());
  assertEquals(byolHeadCost(16, recipe.head), { onTape: onTape / 2, constant: constant / 2 });
});

// ---------------------------------------------------------------- step

for (const optimizer of optimizerNames) {
  Deno.test(`a step under ${optimizer} moves the online network, and the target a part of the way to it`, () => {
    const training = newTraining();
    const { method } = training;
    const before = valuesOf(method.state);
    const now = momentAt(3);
    const metrics = trainStep(training, tinyViews(), { ...recipe, optimizer }, now);
    assertFinite(metrics);
    const m = targetMomentum(recipe, now);
    for (const [name, weight] of method.weights) {
      const moved = weight.dataSync().some((x, i) => x !== before.get(`online.${name}`)![i]);
      assertTrue(moved, `${name} has not moved`);
      const target = method.state.get(`target.${name}`);
      if (target === undefined) continue; // the predictor
      const online = weight.dataSync();
      const expected = before.get(`target.${name}`)!.map((old, i) =>
        m * old + (1 - m) * online[i]!
      );
      assertClose(target, expected);
    }
    disposeTraining(training);
  });
}

Deno.test("no gradient reaches the target, and each view has batch statistics of its own", () => {
  const { method } = newTraining();
  const grads = batchGradients(method, tinyViews(), 1, momentAt(0)).grads;
  assertEquals(Object.keys(grads), [...method.weights.keys()]);
  // Each view updates the running mean by itself, so a shift of the second view changes only the
  // second update.
  const { global } = tinyViews();
  const [first, second] = tf.split(global, 2);
  const shifted = { global: tf.concat([first!, second!.add(3)]) as tf.Tensor4D, local: null };
  const meanAfter = (given: Views) => {
    const fresh = newTraining();
    fresh.method.pass(given, momentAt(0));
    return fresh.method.state.get("target.projector.1.running_mean")!.dataSync();
  };
  const alone = (view: tf.Tensor) =>
    meanAfter({ global: tf.concat([view, view]) as tf.Tensor4D, local: null });
  const twice = alone(first!); // 1 − 0.9² of the first view's mean
  const once = Array.from(twice, (value) => value / 0.19 * 0.1);
  const other = Array.from(alone(second!.add(3)), (value) => value / 0.19);
  assertClose(meanAfter(shifted), once.map((value, i) => 0.9 * value + 0.1 * other[i]!), 1e-4);
});

Deno.test("in micro-batches, loss and gradients are the means of the parts'", () => {
  const { method } = newTraining({ model: tinyModelOfAllPaths });
  const { global } = tinyViews();
  const whole = batchGradients(method, { global, local: null }, 3, momentAt(0));
  const parts = [0, 2, 4].map((from) => {
    const part = tf.concat(tf.split(global, 2).map((view) => view.slice([from], [2])));
    return batchGradients(method, { global: part as tf.Tensor4D, local: null }, 1, momentAt(0));
  });
  const sum = parts.reduce((sum, { loss }) => sum + numberOf(loss), 0);
  assertClose(numberOf(whole.loss), sum / 3, 1e-6);
  for (const [name, grad] of Object.entries(whole.grads)) {
    const mean = tf.addN(parts.map(({ grads }) => grads[name]!)).div(3);
    if (!/\.0\.bias$|backbone\.norm\.bias/.test(name)) assertClose(grad, mean, 1e-4);
  }
  assertEquals(whole.rows.projections!.shape, [2 * tinyImages, 6]);
});

Deno.test("BYOL learns: forty steps on the same views bring predictions and targets together", () => {
  assertLearns(newTraining(), tinyViews(), (step) => momentAt(step, 40));
});

Deno.test("a step keeps no tensor, in one pass and in micro-batches, and disposing frees everything", () => {
  assertKeepsNoTensor(newTraining, [1, 3]);
});

Deno.test("a loss that is not finite names the first bad tensor, and changes no weight", () => {
  assertNamesBadWeights(newTraining(), "target.projector.3.weight");
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw", "lars_byol"] as const) {
  Deno.test(`a run of BYOL saved and loaded under ${optimizer} goes on with the same bits`, () =>
    assertResumes(newTraining, optimizer));
}

// ---------------------------------------------------------------- wrong options

Deno.test("createByol() refuses what it cannot follow, and names the value", () => {
  for (
    const [changes, text] of [
      [{ head: { hiddenDim: 0, outDim: 6 } }, "recipe.head.hiddenDim 0: need a whole number"],
      [{ head: { hiddenDim: 4, outDim: 2.5 } }, "recipe.head.outDim 2.5"],
      [{ head: { hiddenDim: 4, outDim: "6" as unknown as number } }, 'recipe.head.outDim "6"'],
      [{ targetMomentum: 1.5 }, "recipe.targetMomentum 1.5: need a number from 0 to 1"],
      [{ targetMomentum: NaN }, "recipe.targetMomentum"],
      [{ crops: { ...recipe.crops, localCrops: 2 } }, "recipe.crops.localCrops 2: need 0"],
      [{ batchSize: 5, accumulate: 3 }, "micro-batches of 1: need 2 images"],
      [{ batchSize: 4, accumulate: 5 }, "4 images into 5 micro-batches"],
    ] as const
  ) {
    const create = () => createByol({ ...recipe, ...changes }, createRng(0));
    assertThrows(create, RangeError, text);
  }
});

// ---------------------------------------------------------------- collapse

/** The alarms of a run on pictures of noise, whose two views differ by less noise. */
function alarmsOf(
  changes: Partial<ByolRecipe>,
  steps: number,
  begin: (method: Method) => void = () => {},
): string[] {
  const options = { ...recipe, ...fewWeights, head: { hiddenDim: 8, outDim: 4 }, ...changes };
  using method = createByol(options, createRng(0));
  begin(method);
  const draw = (std: number, seed: number) =>
    tf.randomNormal([8, 8, 8, 3], 0, std, "float32", seed + 1); // tfjs takes 0 for no seed
  const views = (step: number): Views => {
    const image = draw(1, step);
    const pair = [1000, 2000].map((seed) => image.add(draw(0.5, seed + step)));
    return { global: tf.concat(pair) as tf.Tensor4D, local: null };
  };
  return firstAlarms(method, { rules: method.alarms, steps, views, options });
}

Deno.test("a weight decay that halves all weights in each step collapses BYOL, and an alarm says so", () => {
  // What remains of the features are the biases of the last norm.
  const withBias = ({ state }: Method) => {
    for (const who of ["online", "target"]) {
      const bias = state.get(`${who}.backbone.norm.bias`)!;
      bias.assign(tf.ones(bias.shape));
    }
  };
  const changes = { targetMomentum: 0, lr: 1e-6, weightDecay: 5e5, weightDecayEnd: 5e5 };
  const [alarm, ...more] = alarmsOf(changes, 200, withBias);
  const [, name, step] = /^(\w+) at (\d+): Collapse/.exec(alarm!)!;
  assertEquals([name, more], ["alarmSameFeatures", []]);
  assertTrue(Number(step) > 102 && Number(step) < 150, `collapsed by step ${step}`);
});

Deno.test("a run of BYOL that learns raises no alarm", () => {
  assertEquals(alarmsOf({ lr: 0.01 }, 150), []);
});

Deno.test("byolAlarms watch the spread of projections and of features, and say what to try", () => {
  const healthy = { projectionStd: 0.85, featureStd: 0.21 };
  const shown = (metrics: typeof healthy) => shownAlarms(byolAlarms, metrics);
  assertEquals(shown(healthy), []);
  assertEquals(shown({ projectionStd: 0.127, featureStd: 0.286 }), []); // without any BatchNorm
  assertEquals(shown({ ...healthy, projectionStd: 0.01 }), ["alarmSameProjections"]);
  assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
  for (const { message } of byolAlarms) assertTrue(message.includes("lower lr"), message);
});

Deno.test("heads without BatchNorm have the same linear layers and no statistics, and can be trained", () => {
  const head = { ...recipe.head, batchNorm: false };
  const names = (head: ByolRecipe["head"]) => {
    const { online } = createByolNetworks(recipe.model, head, createRng(0));
    const all = [...namedVariables(online.params).keys()];
    disposeTree(online.params);
    return all.filter((name) => /^(projector|predictor)/.test(name));
  };
  const linear = ["0.weight", "0.bias", "2.weight"];
  assertEquals(
    names(head).toSorted(),
    ["projector", "predictor"].flatMap((part) => linear.map((name) => `${part}.${name}`))
      .toSorted(),
  );
  assertTrue(names(recipe.head).includes("projector.1.running_mean"), "by default there is one");
  const training = newTraining({ head });
  assertFinite(trainStep(training, tinyViews(), recipe, momentAt(0)));
  disposeTraining(training);
});
