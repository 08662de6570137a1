import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { accuracyOf } from "lib/eval/nearest/rank.ts";
import { openLabelledCrops } from "./labelled_crops.ts";
import {
  type SupervisedRecipe,
  type SupervisedState,
  type SupervisedStep,
  trainSupervised,
} from "./train_supervised.ts";
import { convNeXtConfig, createModel, type ForwardOptions } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import {
  disposeTrainedModel,
  loadTrainedModel,
  saveTrainedModel,
} from "lib/weights/trained_model.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { readFeatures } from "lib/testing/evaluation.ts";
import { countReads } from "lib/testing/leaks.ts";
import { eachStep } from "lib/testing/steps.ts";
import { withDeferredReads } from "lib/train/reading.ts";

/** Bright and dark images with noise: two classes that a network learns in a few steps. */
function shades(count: number, size = 16): ImageSet {
  const rng = createRng(count);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const values = size * size * 3;
  const pixels = Uint8Array.from(
    { length: count * values },
    (_, i) => 90 + 60 * labels[Math.floor(i / values)]! + rng.normal(0, 20),
  );
  const ids = Array.from(labels, (_, i) => `${i}`);
  return { name: "shades", height: size, width: size, pixels, labels, classNames: ["a", "b"], ids };
}

const size = 16;
const recipe = {
  batchSize: 16,
  epochs: 8,
  lr: 0.05,
  warmupShare: 0.1,
  weightDecay: 0.05,
  size,
  scale: [0.4, 1],
  stats: imageNetStats,
} as const;
const config = {
  ...convNeXtConfig("tiny"),
  depths: [1, 1],
  dims: [8, 16],
  layerScaleInit: 0.1,
  dropPathRate: 0.2,
};
const network = (seed = 0): SupervisedState => ({
  model: createModel(config, createRng(seed), { numClasses: 2 }),
  optimizer: new Map(),
});

/** All steps from `done` on, or the first `most` of them, after which the state is that step's. */
async function train(
  state: SupervisedState,
  set: ImageSet,
  { seed = 1, done = 0, most = Infinity, ...changes }: {
    seed?: number;
    done?: number;
    most?: number;
  } & Partial<SupervisedRecipe> = {},
): Promise<SupervisedStep[]> {
  const whole = { ...recipe, ...changes };
  const rng = createRng(seed);
  const steps: SupervisedStep[] = [];
  using crops = openLabelledCrops(set, { ...whole, rng: rng.fork("crops") });
  const readsAt = most < Infinity ? eachStep : undefined;
  for await (const step of trainSupervised(state, crops, whole, { rng, done, readsAt })) {
    steps.push(step);
    if (steps.length === most) break;
  }
  return steps;
}

function logits({ model }: SupervisedState, set: ImageSet): Float32Array {
  const read = (x: tf.Tensor4D) => model.forward(x, { training: false }).logits!;
  return readFeatures(read, set).features;
}

Deno.test("trainSupervised() learns two shades, moves every weight, and tells of each step", async () => {
  const state = network();
  const before = new Map(
    [...namedVariables(state.model.params)].map(([name, value]) => [
      name,
      value.dataSync().slice(),
    ]),
  );
  const steps = await train(state, shades(70));
  assertEquals(steps.length, 4 * 8); // four full batches of 70 images
  assertEquals(steps.map(({ step }) => step), steps.map((_, i) => i + 1));
  assertClose(Math.max(...steps.map(({ lr }) => lr)), 0.05 * 16 / 256);
  assertClose(steps[0]!.loss, Math.LN2, 0.2);
  const test = shades(200);
  const { top1, top5 } = accuracyOf(logits(state, test), test.labels);
  assertTrue(top1 > 0.95, `top-1 of ${top1}`);
  assertEquals(top5, 1);
  for (const [name, value] of namedVariables(state.model.params)) {
    const moved = value.dataSync().some((v, i) => v !== before.get(name)![i]);
    assertTrue(moved, `${name} has not moved`);
  }
  disposeTrainedModel(state);
});

Deno.test("trainSupervised() repeats itself for a seed, and another seed differs", async () => {
  const losses = async (seed: number) =>
    (await train(network(), shades(32), { epochs: 2, seed })).map(({ loss }) => loss);
  assertEquals(await losses(3), await losses(3));
  assertTrue((await losses(3))[1] !== (await losses(4))[1], "seeds differ");
});

Deno.test("trainSupervised() goes on from a file to the bits of an undisturbed run", async () => {
  const path = Deno.makeTempFileSync();
  const images = shades(40); // two batches an epoch, so that training stops within an epoch
  const [straight, first, second] = [network(), network(), network(1)];
  try {
    const whole = await train(straight, images, { epochs: 3 });
    await train(first, images, { epochs: 3, most: 3 });
    await saveTrainedModel(path, first, 3);
    assertEquals(loadTrainedModel(path, second), 3);
    const rest = await train(second, images, { epochs: 3, done: 3 });
    assertEquals(rest, whole.slice(3));
    const expected = namedVariables(straight.model.params);
    for (const [name, value] of namedVariables(second.model.params)) {
      assertEquals(value.dataSync(), expected.get(name)!.dataSync());
    }
  } finally {
    Deno.removeSync(path);
    [straight, first, second].forEach(disposeTrainedModel);
  }
});

Deno.test("trainSupervised() crops an image anew in every epoch", async () => {
  const still = { batchSize: 32, epochs: 3, lr: 1e-12 }; // all images in one batch, no weight moves
  const losses = (await train(network(), shades(32), still)).map((s) => s.loss);
  const apart = [losses[1]! - losses[0]!, losses[2]! - losses[1]!].map(Math.abs);
  assertTrue(Math.min(...apart) > 1e-5, `losses are ${losses}`);
});

Deno.test("trainSupervised() keeps no tensor but its state when it is left", async () => {
  const before = tf.memory().numTensors;
  const state = network();
  await train(state, shades(32), { most: 2 });
  disposeTrainedModel(state);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("trainSupervised() throws on too few images, one without a class, and NaN", async () => {
  const state = network();
  await assertRejects(() => train(state, shades(12)), RangeError, "batch of 16 from 12");
  const unknown = shades(32);
  unknown.labels[5] = -1;
  await assertRejects(() => train(state, unknown), RangeError, "image 5 has none");
  const weight = [...namedVariables(state.model.params).values()][0]!;
  tf.tidy(() => weight.assign(tf.fill(weight.shape, NaN)));
  const before = tf.memory().numTensors;
  await assertRejects(() => train(state, shades(32)), RangeError, "loss is NaN");
  // A GPU makes the moments before it knows of the loss.
  assertEquals(tf.memory().numTensors, before + 2 * state.optimizer.size);
  disposeTrainedModel(state);
});

Deno.test("accuracyOf() ranks equal logits by class and counts the first five", () => {
  const rows = [[0, 9, 9, 1, 2, 3, 4], [0, 9, 9, 1, 2, 3, 4], [0, 9, 9, 1, 2, 3, 4]];
  const { top1, top5 } = accuracyOf(Float32Array.from(rows.flat()), Int32Array.of(1, 2, 3));
  assertClose([top1, top5], [1 / 3, 2 / 3]);
});

Deno.test("trainSupervised() frees what it has used on the way back through the network", async () => {
  const held: number[] = []; // bytes in memory when the backward pass reaches the images
  const state = network();
  const [weight] = namedVariables(state.model.params).values();
  const before = tf.memory().numBytes;
  const watched = tf.customGrad((input) => ({
    value: (input as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => {
      held.push(tf.memory().numBytes - before);
      return dy;
    },
  }));
  const model = {
    ...state.model,
    forward: (x: tf.Tensor4D, options: ForwardOptions) =>
      state.model.forward(watched(x.add(weight!.sum().mul(0))) as tf.Tensor4D, options),
  };
  await train({ ...state, model }, shades(32), { most: 1 });
  const images = 4 * recipe.batchSize * size * size * 3;
  // Measured: 3.4 times the size of the images, or 8.4 times if the tape frees nothing on the way.
  assertTrue(held.length === 1 && held[0]! < 5 * images, `${held} bytes, ${images} in the images`);
  disposeTrainedModel(state);
});

Deno.test("trainSupervised() with layer decay moves weights near the image less, and minimises the loss it is given", async () => {
  const deep = { ...config, depths: [1, 1, 1, 1], dims: [8, 8, 8, 8] };
  const model = createModel(deep, createRng(0), { numClasses: 2 });
  const state: SupervisedState = { model, optimizer: new Map() };
  const read = (name: string) => [...namedVariables(model.params).get(name)!.dataSync()];
  const names = ["downsample_layers.0.0.weight", "stages.1.0.pwconv1.weight", "head.weight"];
  const before = names.map(read);
  const set = shades(32, 32);
  const whole = { ...recipe, size: 32, warmupShare: 0, weightDecay: 0, layerDecay: 0.5 };
  using crops = openLabelledCrops(set, { ...whole, rng: createRng(2) });
  let asked = 0;
  const loss = (logits: tf.Tensor2D, labels: Int32Array) => {
    asked++;
    assertEquals([logits.shape, labels.length], [[16, 2], 16]);
    return logits.square().mean<tf.Scalar>();
  };
  for await (
    const _ of trainSupervised(state, crops, whole, {
      rng: createRng(1),
      done: 0,
      loss,
      readsAt: eachStep,
    })
  ) {
    break; // AdamW's first step is as long as the rate, whatever the gradient
  }
  assertTrue(asked > 0, "the loss is asked for");
  const moved = names.map((name, i) =>
    Math.max(...read(name).map((value, j) => Math.abs(value - before[i]![j]!)))
  );
  // Of five groups, the stem is the first and the second stage the third.
  const rate = whole.lr * whole.batchSize / 256;
  assertClose(moved.map((most) => most / rate), [0.5 ** 5, 0.5 ** 3, 1], 1e-2);
  disposeTrainedModel(state);
});

Deno.test("supervised steps that read nothing have the numbers of those that read at once", async () => {
  const set = shades(64);
  const expected = await train(network(), set);
  using counter = countReads();
  const actual = await withDeferredReads(() => train(network(), set));
  assertEquals(counter.reads, 4); // ten of 32 steps at a time
  assertEquals(
    actual.map(({ step, lr }) => [step, lr]),
    expected.map(({ step, lr }) => [step, lr]),
  );
  assertClose(actual.map(({ loss }) => loss), expected.map(({ loss }) => loss), 1e-4);
});

Deno.test("a supervised step that is not finite and reads nothing changes nothing, nor do later ones", async () => {
  const state = network();
  const [bias] = [...namedVariables(state.model.params).values()].slice(-1);
  bias!.assign(bias!.mul(NaN));
  const weights = () =>
    [...namedVariables(state.model.params).values()].map((x) => x.dataSync().slice());
  const before = weights();
  const run = () => withDeferredReads(() => train(state, shades(64)));
  await assertRejects(run, RangeError, "Cannot take a supervised step: the loss is NaN; lower lr");
  assertEquals(weights(), before);
  for (const { tensors } of state.optimizer.values()) {
    for (const x of Object.values(tensors)) assertEquals(new Set(x.dataSync()), new Set([0]));
  }
});
