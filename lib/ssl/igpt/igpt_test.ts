import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createModel, iGptConfig } from "lib/models/mod.ts";
import type { IGptParams } from "lib/models/igpt/igpt.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { iGptCrops } from "./crops.ts";
import { createIGpt, drawHidden } from "./igpt.ts";
import { colourLoss } from "./loss.ts";
import { kMeansPalette } from "./palette.ts";
import type { IGptRecipe } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { eachStep } from "lib/testing/steps.ts";
import { disposeTraining } from "lib/testing/methods.ts";

const recipe: IGptRecipe = {
  method: "igpt",
  model: {
    ...iGptConfig("nano"),
    embedDim: 8,
    depth: 2,
    numHeads: 2,
    imageSize: 8,
    colours: 5,
    featureBlock: 1,
  },
  head: { maskShare: 0.3 },
  crops: { ...iGptCrops, globalSize: 8 },
  batchSize: 256, // the learning rate is as given
  epochs: 1,
  lr: 0.01,
  minLr: 0.01,
  warmupShare: 0,
  weightDecay: 0,
  weightDecayEnd: 0,
  clipNorm: 1,
};
const masked: IGptRecipe = { ...recipe, model: { ...recipe.model, masked: true } };
const images = 6;
const at = (step: number, totalSteps = 10): Moment => ({
  step,
  stepsPerEpoch: totalSteps,
  totalSteps,
  rng: createRng(step),
});

/** Images of two colours, one above the other; their second views are never to be read. */
function views(seed = 1, count = images): Views {
  const half = (seed: number) =>
    tf.randomUniform([count, 1, 1, 3], -1, 1, "float32", seed + 1).tile([1, 4, 8, 1]); // tfjs takes 0 for no seed
  const first = tf.concat([half(seed), half(seed + 1000)], 1);
  return { global: tf.concat([first, tf.fill([count, 8, 8, 3], NaN)]) as tf.Tensor4D, local: null };
}

function newTraining(changed = recipe): Training {
  return { method: createIGpt(changed, firstWeights(createRng(0))), optimizer: new Map() };
}

// ---------------------------------------------------------------- loss

Deno.test("colourLoss() equals the written-out cross-entropy, of all positions or of those that count", () => {
  const logits = tf.randomNormal<tf.Rank.R3>([3, 4, 5], 0, 2, "float32", 1);
  const codes = [[0, 1, 2, 3], [4, 4, 0, 1], [2, 2, 2, 2]];
  const counted = [[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]];
  const losses = logits.arraySync().map((rows, b) =>
    rows.map((row, n) =>
      Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[codes[b]![n]!]!
    )
  );
  const int = tf.tensor2d(codes, undefined, "int32");
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  assertClose(colourLoss(logits, int), mean(losses.flat()));
  const some = [mean([losses[0]![0]!, losses[0]![2]!]), losses[1]![3]!, 0];
  assertClose(colourLoss(logits, int, tf.tensor2d(counted)), mean(some));
});

// ---------------------------------------------------------------- palette

Deno.test("kMeansPalette() finds the centres of clouds of colours, and the same ones each time", () => {
  const rng = createRng(3);
  const centres = [[0.9, 0, 0], [-0.5, 0.5, 0], [0, -0.8, 0.7], [0.3, 0.3, -0.9]];
  const colours = Float32Array.from(
    { length: 1200 },
    (_, i) => centres[Math.floor(i / 3) % 4]![i % 3]! + rng.normal(0, 0.01),
  );
  const palette = kMeansPalette(colours, 4, createRng(0));
  const rows = [0, 1, 2, 3].map((k) => [...palette.subarray(3 * k, 3 * k + 3)]);
  for (const centre of centres) {
    const distances = rows.map((row) => Math.hypot(...row.map((x, c) => x - centre[c]!)));
    assertTrue(Math.min(...distances) < 0.005, `${centre} is not in ${rows}`);
  }
  assertEquals(kMeansPalette(colours, 4, createRng(0)), palette);
});

Deno.test("kMeansPalette() of fewer colours than centres repeats some; without any it throws", () => {
  const palette = kMeansPalette(Float32Array.of(0, 0, 0, 1, 1, 1), 4, createRng(0));
  const rows = new Set([0, 1, 2, 3].map((k) => palette.subarray(3 * k, 3 * k + 3).join()));
  assertEquals([...rows].sort(), ["0,0,0", "1,1,1"]);
  const run = () => kMeansPalette(new Float32Array(0), 4, createRng(0));
  assertThrows(run, RangeError, "there is no colour");
});

/** A source of the images of {@linkcode views}, which notes what it is asked for. */
function sourceOf(asked: number[][]) {
  return {
    count: 12,
    prefetch() {},
    next(indices: Uint32Array, step: number) {
      asked.push([...indices]);
      const { global } = views(step + 1, indices.length);
      const values = global.dataSync<"float32">().slice();
      return Promise.resolve({
        images: indices.length,
        global: values,
        local: new Float32Array(0),
      });
    },
  };
}

Deno.test("a run begins with the palette of its images, and a resumed run keeps it", async () => {
  const run = { ...recipe, batchSize: 4 };
  const asked: number[][] = [];
  const training = newTraining(run);
  const palette = training.method.state.get("network.backbone.palette")!;
  const first = palette.dataSync().slice();
  const steps = (training: Training, done: number) =>
    trainByMethod(training, sourceOf(asked), run, { rng: createRng(0), done, readsAt: eachStep });
  const course = steps(training, 0);
  await course.next();
  assertEquals(asked[0], Array.from({ length: 12 }, (_, i) => i)); // all images, as they are few
  const found = palette.dataSync().slice();
  assertTrue(found.some((x, i) => x !== first[i]), "the palette is that of the images");
  await course.next();
  assertEquals(palette.dataSync(), found);
  asked.length = 0;
  for await (const _ of steps(training, 2));
  assertEquals(asked.map(({ length }) => length), [4]); // one step is left, and no palette is made
  assertEquals(palette.dataSync(), found);
  disposeTraining(training);
});

// ---------------------------------------------------------------- network and step

Deno.test("iGPT starts from the run's own backbone, at the loss of chance", () => {
  const { method } = newTraining();
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`network.backbone.${name}`) === weight, `${name} is in the state`);
  }
  assertClose(method.pass(views(), at(0)).loss(), Math.log(5));
  assertTrue(!method.weights.has("backbone.palette"), "no gradient moves the palette");
  method[Symbol.dispose]();
});

for (const [name, changed] of [["iGPT", recipe], ["masked iGPT", masked]] as const) {
  Deno.test(`two steps of ${name} move every weight, and leave the palette alone`, () => {
    const training = newTraining(changed);
    const { method } = training;
    const before = new Map([...method.state].map(([name, x]) => [name, x.dataSync().slice()]));
    // In the first step, only the output embeddings have a gradient: they are 0.
    const metrics = [0, 1].map((i) => tf.tidy(() => trainStep(training, views(), changed, at(i))));
    assertEquals(Object.keys(metrics[1]!), ["loss", "gradNorm", "featureStd"]);
    for (const value of Object.values(metrics[1]!)) assertTrue(Number.isFinite(value), "finite");
    for (const [name, weight] of method.state) {
      const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
      assertEquals(moved, !name.endsWith("palette"), name);
    }
    disposeTraining(training);
  });

  Deno.test(`${name} learns its images, and keeps no tensor`, () => {
    const training = newTraining(changed);
    const same = views();
    const losses = Array.from(
      { length: 120 },
      (_, i) => tf.tidy(() => trainStep(training, same, changed, at(i % 10)).loss),
    );
    const mean = losses.slice(-10).reduce((sum, x) => sum + x, 0) / 10;
    assertTrue(mean < 0.5 * losses[0]!, `the loss went from ${losses[0]} to ${mean}`);
    assertNoLeak(() => void trainStep(training, same, { ...changed, accumulate: 2 }, at(0)));
    disposeTraining(training);
  });
}

Deno.test("a batch in micro-batches has the loss and the gradients of the whole one", () => {
  const { method } = newTraining();
  const wtet = method.weights.get("wtet")!;
  wtet.assign(tf.randomNormal(wtet.shape, 0, 1, "float32", 5));
  const [whole, parts] = [1, 4].map((n) => batchGradients(method, views(), n, at(0)));
  assertClose(numberOf(parts!.loss), numberOf(whole!.loss), 1e-6);
  assertClose(parts!.rows.features!, whole!.rows.features!, 1e-5);
  for (const [name, grad] of Object.entries(parts!.grads)) {
    assertClose(grad, whole!.grads[name]!, 1e-5);
  }
  method[Symbol.dispose]();
});

Deno.test("the masked objective hides its share of the positions, others at each step", () => {
  const hidden = drawHidden([200, 64], 0.15, createRng(1));
  assertClose(hidden.mean(), 0.15, 0.03); // the standard error is 0.003
  assertEquals(drawHidden([200, 64], 0.15, createRng(1)).dataSync(), hidden.dataSync());
  const { method } = newTraining(masked);
  const wtet = method.weights.get("wtet")!;
  wtet.assign(tf.randomNormal(wtet.shape, 0, 1, "float32", 5));
  const lossAt = (step: number) => method.pass(views(), at(step)).loss().dataSync()[0]!;
  assertEquals(lossAt(1), lossAt(1));
  assertTrue(Math.abs(lossAt(1) - lossAt(2)) > 1e-4, "another mask");
  method[Symbol.dispose]();
});

Deno.test("a run of iGPT that is saved and loaded goes on with the same bits, and with its palette", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/checkpoint.safetensors`;
    const [straight, resumed] = [newTraining(masked), newTraining(masked)];
    const palette = (straight.method.evaluated.params as IGptParams).palette;
    palette.assign(tf.randomUniform([5, 3], -1, 1, "float32", 9) as tf.Tensor2D);
    const step = (training: Training, i: number) =>
      tf.tidy(() => void trainStep(training, views(i), masked, at(i)));
    [0, 1].forEach((i) => step(straight, i));
    await saveTraining(path, straight, 2);
    assertEquals(loadTraining(path, resumed), 2);
    [2, 3].forEach((i) => [straight, resumed].forEach((training) => step(training, i)));
    for (const [name, x] of straight.method.state) {
      assertEquals(resumed.method.state.get(name)!.dataSync(), x.dataSync(), name);
    }
    [straight, resumed].forEach(disposeTraining);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("createIGpt() refuses recipes that it cannot follow, and says what to change", () => {
  for (
    const [crops, text] of [
      [{ localCrops: 2 }, "recipe.crops.localCrops 2: need 0"],
      [{ globalSize: 16 }, "images of 16 pixels a side: need 8, as recipe.model.imageSize says"],
    ] as const
  ) {
    const changed = { ...recipe, crops: { ...recipe.crops, ...crops } };
    assertThrows(() => createIGpt(changed, createRng(0)), RangeError, text);
  }
});

// ---------------------------------------------------------------- alarms

/** The alarms of a run, by name. */
function alarmsOf(changes: Partial<IGptRecipe>, source: (step: number) => Views): string[] {
  const changed = { ...recipe, ...changes };
  const training = newTraining(changed);
  const watch = alarmWatch(training.method.alarms, 0);
  const raised = Array.from({ length: 130 }, (_, i) => {
    const metrics = tf.tidy(() => trainStep(training, source(i), changed, at(i % 10)));
    return watch({ step: i + 1, metrics }).map(({ name }) => name);
  });
  disposeTraining(training);
  return raised.flat();
}

Deno.test("a run of iGPT that does not move stays at chance, and an alarm says so", () => {
  assertEquals(alarmsOf({ lr: 0, minLr: 0 }, (i) => views(i)), ["alarmChance"]);
});

Deno.test("images that are all the same give the same features, and an alarm says so", () => {
  const one = () => {
    const { global } = views(1, 1);
    const [first, second] = tf.split(global, 2);
    const tiles = [first!, second!].map((x) => x.tile([images, 1, 1, 1]));
    return { global: tf.concat(tiles) as tf.Tensor4D, local: null };
  };
  assertEquals(alarmsOf({}, one), ["alarmSameFeatures"]);
});

Deno.test("a run of iGPT that learns raises no alarm", () => {
  assertEquals(alarmsOf({}, (i) => views(i % 3)), []);
});
