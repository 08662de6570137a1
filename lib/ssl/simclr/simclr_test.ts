import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { optimizerNames } from "lib/train/optimizer_names.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Method } from "lib/ssl/method/method.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import { createModel } from "lib/models/mod.ts";
import { simclrAlarms } from "./alarms.ts";
import { simclrCrops } from "./crops.ts";
import { chanceLoss, contrastAccuracy, ntXentLoss } from "./loss.ts";
import { createKeptLayers, createSimclrNetwork, project, simclrHeadCost } from "./networks.ts";
import { type SimclrRecipe, simclrValues } from "./recipe.ts";
import { createSimclr, simclr } from "./simclr.ts";
import { numberOf, readNow } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import {
  assertFinite,
  assertKeepsNoTensor,
  assertLearns,
  assertMoved,
  assertNamesBadWeights,
  assertResumes,
  colouredPairs,
  disposeTraining,
  fewWeights,
  firstAlarms,
  momentAt,
  shownAlarms,
  tinyModelOfAllPaths,
  tinyRecipe,
  tinyViews,
  valuesOf,
} from "lib/testing/methods.ts";

const recipe: SimclrRecipe = {
  method: "simclr",
  ...tinyRecipe,
  head: { layers: 2, outDim: 6 },
  crops: { ...simclrCrops, globalSize: 16 },
  batchSize: 6,
  temperature: 0.2,
};

function newTraining(changes: Partial<SimclrRecipe> = {}): Training {
  const method = createSimclr({ ...recipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

// ---------------------------------------------------------------- loss

const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));

/** Eq. 1 of the paper for each of the 2B views, written out; their sum divided by B. */
function writtenOut(rows: readonly (readonly number[])[], temperature: number): number {
  const count = rows.length;
  const losses = rows.map((row, i) => {
    const weightTo = (k: number) => Math.exp(cosine(row, rows[k]!) / temperature);
    const others = rows.map((_, k) => k).filter((k) => k !== i);
    const all = others.reduce((sum, k) => sum + weightTo(k), 0);
    return -Math.log(weightTo((i + count / 2) % count) / all);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / (count / 2);
}

for (const [batch, temperature] of [[1, 0.5], [2, 0.1], [5, 0.5], [9, 1.7]] as const) {
  Deno.test(`ntXentLoss() equals the written-out losses of ${batch} images at temperature ${temperature}`, () => {
    const z = tf.randomNormal<tf.Rank.R2>([2 * batch, 7], 0.3, 2, "float32", batch);
    const expected = writtenOut(z.arraySync(), temperature);
    assertClose(ntXentLoss(z, temperature).add(1), expected + 1, 1e-5);
  });
}

Deno.test("ntXentLoss() has the gradient of the written-out losses", () => {
  const z = tf.randomNormal<tf.Rank.R2>([6, 3], 0.3, 2, "float32", 5);
  const gradient = tf.grad((x) => ntXentLoss(x as tf.Tensor2D, 0.4))(z).dataSync();
  const rows = z.arraySync();
  const h = 1e-4;
  const slopes = rows.flatMap((row, i) =>
    row.map((_, j) => {
      const moved = (by: number) =>
        rows.map((other, k) => k === i ? other.map((x, l) => l === j ? x + by : x) : other);
      return (writtenOut(moved(h), 0.4) - writtenOut(moved(-h), 0.4)) / (2 * h);
    })
  );
  slopes.forEach((slope, i) => assertTrue(Math.abs(slope - gradient[i]!) < 1e-4, `element ${i}`));
});

Deno.test("chanceLoss() is the loss where all projections are the same, or are zeros", () => {
  const same = tf.ones<tf.Rank.R2>([12, 3]).mul<tf.Tensor2D>(4);
  assertClose(ntXentLoss(same, 0.1), chanceLoss(6), 1e-5);
  assertClose(ntXentLoss(tf.zeros([12, 3]), 0.1), chanceLoss(6), 1e-5);
});

Deno.test("contrastAccuracy() counts the images that find their other view among all", () => {
  const first = [[1, 0, 0], [0, 2, 0], [0, 0, 3], [1, 1, 0]];
  const second = [[5, 1, 0], [0, 1, 0], [-1, 0, 0], [0, 0, 1]]; // the last two find another one
  assertEquals(numberOf(contrastAccuracy(tf.tensor2d([...first, ...second]))), 0.5);
});

// ---------------------------------------------------------------- network and schedules

Deno.test("SimCLR's backbone starts from the run's own weights and lies in the state", () => {
  const { method } = newTraining();
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`network.backbone.${name}`) === weight, `${name} is in the state`);
  }
});

for (
  const [layers, expected] of [
    [1, ["0.weight 16,6", "1.weight 6"]],
    [2, ["0.weight 16,16", "1.weight 16", "1.bias 16", "3.weight 16,6", "4.weight 6"]],
    [3, [
      ...["0.weight 16,16", "1.weight 16", "1.bias 16", "3.weight 16,16", "4.weight 16"],
      ...["4.bias 16", "6.weight 16,6", "7.weight 6"],
    ]],
  ] as const
) {
  Deno.test(`a head of ${layers} linear layers has no bias in them, and no offset in the last BatchNorm`, () => {
    const head = { layers, outDim: 6 };
    const { params } = createSimclrNetwork(recipe.model, head, createRng(0));
    const shapes = [...parameters(params.projector)].map(([name, { shape }]) => `${name} ${shape}`);
    assertEquals(shapes, expected);
    const last = params.projector.at(-1) as { bias: tf.Variable };
    assertEquals([...last.bias.dataSync()], [0, 0, 0, 0, 0, 0]);
  });
}

Deno.test("a head's weights are Gaussian with standard deviation 0.01, its output is normalised", () => {
  const network = createSimclrNetwork(recipe.model, { layers: 2, outDim: 3000 }, createRng(0));
  const { weight } = network.params.projector[3] as { weight: tf.Variable };
  const values = weight.dataSync<"float32">();
  const std = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  assertClose(std, 0.01, 5e-3);
  assertTrue(values.some((x) => Math.abs(x) > 0.03), "nothing is cut");
  const { projections } = project(network, tinyViews().global, { training: true });
  assertTrue(projections.mean(0).abs().max().dataSync()[0]! < 1e-5, "the mean over views is 0");
});

Deno.test("the two views share the batch statistics of every BatchNorm", () => {
  const { method } = newTraining();
  const { global } = tinyViews();
  const [first, second] = tf.split(global, 2);
  const meanOf = (order: tf.Tensor[]) => {
    const fresh = newTraining({ model: tinyModelOfAllPaths });
    fresh.method.pass({ global: tf.concat(order) as tf.Tensor4D, local: null }, momentAt(0)).loss();
    return fresh.method.state.get("network.projector.1.running_mean")!;
  };
  // One update for both views: their order does not matter, as it would in two updates.
  const shifted = second!.add(3);
  assertClose(meanOf([first!, shifted]), meanOf([shifted, first!]), 1e-4);
  method[Symbol.dispose]();
});

Deno.test("SimCLRv2 is evaluated by the output of the first layer of its head", () => {
  const head = { layers: 3, keptLayers: 1, outDim: 6 };
  const { method } = newTraining({ head });
  trainStep({ method, optimizer: new Map() }, tinyViews(), recipe, momentAt(0)); // moves running statistics
  const { evaluated, state } = method;
  const { global } = tinyViews();
  const backbone = createModel(recipe.model, backboneStream(0));
  for (const [name, weight] of namedVariables(backbone.params)) {
    tf.tidy(() => weight.assign(state.get(`network.backbone.${name}`)!.clone()));
  }
  const { features, stages } = backbone.forward(global, { training: false });
  const of = (name: string) => state.get(`network.projector.${name}`)! as tf.Variable<tf.Rank.R1>;
  const product = tf.matMul(features, of("0.weight") as unknown as tf.Tensor2D);
  const std = of("1.running_var").add(1e-5).sqrt();
  const normed = product.sub(of("1.running_mean")).div(std).mul(of("1.weight")).add(of("1.bias"));
  const actual = evaluated.forward(global, { training: false });
  assertClose(actual.features, tf.relu(normed), 1e-5);
  assertClose(actual.stages[0]!, stages[0]!, 1e-6);
  assertEquals(evaluated.featureDim, 16);
  const names = [...namedVariables(evaluated.params).keys()];
  const ofHead = names.filter((name) => name.startsWith("projector"));
  const leaves = ["1.weight", "1.bias", "1.running_mean", "1.running_var"];
  assertEquals(ofHead, ["0.weight", ...leaves].map((name) => `projector.${name}`));
  assertNoLeak(() => {
    const { features, stages } = evaluated.forward(global, { training: false });
    tf.dispose([features, ...stages]);
  });
});

Deno.test("createKeptLayers() has the first weights of the run, and keeps no others", () => {
  const head = { layers: 3, keptLayers: 2, outDim: 6 };
  const { method } = newTraining({ head });
  const before = tf.memory().numTensors;
  const kept = createKeptLayers(16, head, firstWeights(createRng(0)))!;
  const named = namedVariables(kept.params);
  assertEquals(tf.memory().numTensors - before, named.size);
  assertTrue(named.has("projector.3.weight") && !named.has("projector.6.weight"), "two layers");
  for (const [name, weight] of named) {
    assertEquals(weight.dataSync(), method.state.get(`network.${name}`)!.dataSync(), name);
  }
  assertEquals(createKeptLayers(16, recipe.head, createRng(0)), undefined);
});

Deno.test("simclrValues() has its peak in the step after the warm-up, as the official code", () => {
  const changed = { ...recipe, batchSize: 512, lr: 0.2, warmupShare: 0.1 };
  const lr = (step: number) => simclrValues(changed, { step, totalSteps: 100 }).lr;
  assertClose([0, 1, 9, 10].map(lr), [0, 0.04, 0.36, 0.4]);
  assertClose(lr(55), 0.2); // half-way after the warm-up
  assertClose(lr(99), 0.2 * (1 + Math.cos(Math.PI * 89 / 90)));
});

Deno.test("simclrHeadCost() counts what the head reports as it runs, and no second network", () => {
  const { method } = newTraining();
  const global = tf.zeros<tf.Rank.R4>([2, 16, 16, 3]);
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const backbone = costOf(() => void method.evaluated.forward(global, { training: false }));
  const both = costOf(() => void method.pass({ global, local: null }, momentAt(0)).loss());
  assertEquals(simclrHeadCost(16, recipe.head), { onTape: (both - backbone) / 2 });
});

Deno.test("SimCLR's views are not normalised: pixels stay between 0 and 1", () => {
  const { mean, std } = simclrCrops.stats;
  assertEquals([mean, std], [[0, 0, 0], [1, 1, 1]]);
});

// ---------------------------------------------------------------- step

for (const optimizer of optimizerNames) {
  Deno.test(`a step of SimCLR under ${optimizer} moves every weight and gives finite metrics`, () => {
    const training = newTraining();
    const { method } = training;
    const before = valuesOf(method.weights);
    const metrics = trainStep(training, tinyViews(), { ...recipe, optimizer }, momentAt(3));
    const names = ["loss", "gradNorm", "featureStd", "projectionStd", "contrastAccuracy"];
    assertEquals(Object.keys(metrics), names);
    assertFinite(metrics);
    assertMoved(method.weights, before);
    disposeTraining(training);
  });
}

Deno.test("signals are those of the features and projections that the loss has seen", () => {
  const network = createSimclrNetwork(recipe.model, recipe.head, createRng(0));
  const method = simclr(network, recipe);
  const { global } = tinyViews();
  const { rows, ...rest } = batchGradients(method, { global, local: null }, 1, momentAt(0));
  const expected = project(network, global, { training: true, rng: momentAt(0).rng });
  assertClose(rows.features!, expected.features, 1e-5);
  assertClose(rows.projections!, expected.projections, 1e-5);
  const expectedSignals = readNow({
    featureStd: directionSpread(rows.features as tf.Tensor2D),
    projectionStd: directionSpread(rows.projections as tf.Tensor2D),
    contrastAccuracy: contrastAccuracy(rows.projections as tf.Tensor2D),
  });
  assertEquals(readNow(method.signals({ rows, ...rest })), expectedSignals);
});

/** A network of a few weights. */
const tiny: SimclrRecipe = { ...recipe, ...fewWeights, head: { layers: 2, outDim: 4 } };

Deno.test("SimCLR learns: forty steps on the same views tell each image from the others", () => {
  const method = createSimclr({ ...tiny, lr: 0.02 }, createRng(0));
  assertLearns({ method, optimizer: new Map() }, colouredPairs(0), () => momentAt(0));
});

Deno.test("a step of SimCLR keeps no tensor, and disposing frees everything", () => {
  assertKeepsNoTensor(newTraining, [1]);
});

Deno.test("a loss of SimCLR that is not finite names the first bad tensor, and changes no weight", () => {
  assertNamesBadWeights(newTraining(), "network.projector.3.weight");
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw", "lars_simclr"] as const) {
  Deno.test(`a run of SimCLR saved and loaded under ${optimizer} goes on with the same bits`, () =>
    assertResumes(newTraining, optimizer));
}

// ---------------------------------------------------------------- wrong options

Deno.test("createSimclr() refuses what it cannot follow, and names the value", () => {
  for (
    const [changes, text] of [
      [{ head: { layers: 0, outDim: 6 } }, "recipe.head.layers 0: need a whole number"],
      [{ head: { layers: 2, outDim: 2.5 } }, "recipe.head.outDim 2.5"],
      [{ head: { layers: 2, outDim: "6" as unknown as number } }, 'recipe.head.outDim "6"'],
      [
        { head: { layers: 2, keptLayers: 2, outDim: 6 } },
        "keptLayers 2: need a whole number from 0 to 1",
      ],
      [{ head: { layers: 2, keptLayers: -1, outDim: 6 } }, "recipe.head.keptLayers -1"],
      [{ temperature: 0 }, "recipe.temperature 0: need a number above 0"],
      [{ temperature: NaN }, "recipe.temperature"],
      [{ crops: { ...recipe.crops, localCrops: 2 } }, "recipe.crops.localCrops 2: need 0"],
      [{ accumulate: 2 }, "recipe.accumulate 2: need 1: the loss compares each image with all"],
      [{ batchSize: 1 }, "recipe.batchSize 1: need 2 images"],
    ] as const
  ) {
    const create = () => createSimclr({ ...recipe, ...changes }, createRng(0));
    assertThrows(create, RangeError, text);
  }
});

// ---------------------------------------------------------------- collapse

/** The alarms of a run of at most so many steps, which ends at the first one. */
function alarmsOf(
  changes: Partial<SimclrRecipe>,
  steps: number,
  begin: (method: Method) => void = () => {},
): string[] {
  const options = { ...tiny, ...changes };
  using method = createSimclr(options, createRng(0));
  begin(method);
  const rules = simclrAlarms(8); // the batches have 8 images
  return firstAlarms(method, { rules, steps, views: colouredPairs, options });
}

Deno.test("a weight decay that halves all weights in each step collapses SimCLR, and alarms say so", () => {
  // What remains of the features is the bias of the last norm.
  const withBias = ({ state }: Method) => {
    const bias = state.get("network.backbone.norm.bias")!;
    bias.assign(tf.ones(bias.shape));
  };
  const alarms = alarmsOf({ lr: 1e-6, weightDecay: 5e5, weightDecayEnd: 5e5 }, 300, withBias);
  const rung = alarms.map((line) => /^(\w+) at (\d+): Collapse/.exec(line)!);
  assertEquals(rung[0]![1], "alarmSameFeatures");
  const step = Number(rung[0]![2]);
  assertTrue(step > 102 && step < 150, `collapsed by step ${step}`);
});

Deno.test("SimCLR on images that are all the same stays at chance, and alarms say so", () => {
  using method = createSimclr(tiny, createRng(0));
  const training: Training = { method, optimizer: new Map() };
  const watch = alarmWatch(simclrAlarms(8), 0);
  const image = tf.randomNormal([1, 8, 8, 3], 0, 1, "float32", 1);
  const global = tf.tile(image, [16, 1, 1, 1]) as tf.Tensor4D;
  const raised = Array.from({ length: 100 }, (_, i) => {
    const metrics = trainStep(training, { global, local: null }, { clipNorm: 0 }, momentAt(0));
    assertClose(metrics.loss, chanceLoss(8), 1e-3);
    return watch({ step: i + 1, metrics }).map(({ name }) => name);
  });
  disposeOptimizer(training.optimizer);
  assertEquals(raised.flat(), ["alarmSameFeatures", "alarmSameProjections", "alarmChance"]);
});

Deno.test("a run of SimCLR that learns raises no alarm", () => {
  assertEquals(alarmsOf({ lr: 0.02 }, 150), []);
});

Deno.test("simclrAlarms() watch features, projections and the loss at chance", () => {
  const alarms = simclrAlarms(64); // at chance, the loss is 2 ln 127 = 9.69
  const healthy = { projectionStd: 0.85, featureStd: 0.21, loss: 5 };
  const shown = (metrics: typeof healthy) => shownAlarms(alarms, metrics);
  assertEquals(shown(healthy), []);
  assertEquals(shown({ ...healthy, projectionStd: 0.01 }), ["alarmSameProjections"]);
  assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
  assertEquals(shown({ ...healthy, loss: 9.6 }), ["alarmChance"]);
  assertEquals(shown({ ...healthy, loss: 9.4 }), []);
  for (const { message } of alarms) assertTrue(message.includes("lower lr"), message);
});
