import { imageNetStats, raster } from "lib/augment/mod.ts";
import { detectInPictures } from "lib/detect/detect_in_set.ts";
import type { DetectorBatches } from "./detector_batches.ts";
import { detectorLength, type DetectorRecipe } from "./detector_recipe.ts";
import { createMaskRcnn } from "lib/detect/network/mask_rcnn.ts";
import { convNeXtMaskRcnn } from "lib/detect/boxes/mask_rcnn_config.ts";
import { type DetectorState, type DetectorStep, trainDetector } from "./train_detector.ts";
import { bcSslConfig } from "lib/models/convnext/convnext_configs.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { disposeTrainedModel } from "lib/weights/trained_model.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { countReads } from "lib/testing/leaks.ts";
import { eachStep } from "lib/testing/steps.ts";
import * as tf from "lib/tf.ts";
import { withDeferredReads } from "lib/train/reading.ts";

const backbone = {
  ...bcSslConfig("tiny"),
  depths: [1, 1, 1, 1],
  dims: [8, 8, 8, 8],
  kernelSize: 3,
  dropPathRate: 0,
  layerScaleInit: 1,
};

function tinyDetector(): DetectorState {
  const { box, mask, rpn, ...rest } = convNeXtMaskRcnn(backbone, 3);
  const small = {
    ...rest,
    fpnDim: 8,
    rpn: { ...rpn, samples: { ...rpn.samples, count: 16 } },
    box: { ...box, dim: 8, samples: { ...box.samples, count: 16 } },
    mask: { ...mask, dims: [8] },
  };
  return { model: createMaskRcnn(small, createRng(0)), optimizer: new Map() };
}

/** Two pictures of 64 pixels, always the same, each with a square on it. */
const batches: DetectorBatches = {
  count: 7,
  prefetch() {},
  next: () => {
    const sides = { height: 64, width: 64 };
    const values = Float32Array.from({ length: 2 * 64 * 64 * 3 }, (_, i) => Math.sin(i));
    const mask = new Uint8Array(64 * 64).fill(1, 20 * 64, 50 * 64);
    const targets = [1, 2].map((label) => ({
      ...sides,
      boxes: Float32Array.of(0, 20, 64, 50),
      labels: Int32Array.of(label),
      masks: [mask],
    }));
    return Promise.resolve({ pixels: { ...sides, values }, targets });
  },
};

const recipe: DetectorRecipe = {
  augment: { flip: 0, shortSides: [64], longSide: 64, crop: null },
  stats: imageNetStats,
  optimizer: "adamw",
  batchSize: 2,
  epochs: 4,
  lr: 0.08,
  weightDecay: 0,
  layerDecay: 0.5,
  clipNorm: 0,
  warmupSteps: 2,
  drops: [0.5, 0.75],
};

async function take(
  state: DetectorState,
  count: number,
  { done = 0, readsAt }: { readonly done?: number; readonly readsAt?: () => boolean } = {},
): Promise<DetectorStep[]> {
  const steps: DetectorStep[] = [];
  const options = { rng: createRng(1), done, readsAt };
  for await (const step of trainDetector(state, batches, recipe, options)) {
    steps.push(step);
    if (steps.length === count) break;
  }
  return steps;
}

Deno.test("trainDetector() follows the schedule, scaled with the batch, to the last step", async () => {
  const state = tinyDetector();
  const steps = await take(state, Infinity);
  assertEquals(steps.map(({ step }) => step), Array.from({ length: 12 }, (_, i) => i + 1));
  const peak = 0.08 * 2 / 16;
  const [warm, low] = [[0.001 * peak, 0.5005 * peak], [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]];
  const expected = [...warm, peak, peak, peak, peak, ...low.map((share) => share * peak)];
  assertClose(steps.map(({ lr }) => lr), expected, 1e-6);
  disposeTrainedModel(state);
});

Deno.test("a step moves every weight, those near the image less, and leaves no tensor but its moments", async () => {
  const state = tinyDetector();
  const weights = parameters(state.model.params);
  const before = new Map([...weights].map(([name, w]) => [name, w.dataSync().slice()]));
  const numTensors = tf.memory().numTensors;
  await take(state, 1, { done: 2, readsAt: eachStep }); // a step at the peak
  assertEquals(tf.memory().numTensors - numTensors, 2 * state.optimizer.size);
  const moved = (name: string) =>
    Math.max(...weights.get(name)!.dataSync().map((w, i) => Math.abs(w - before.get(name)![i]!)));
  const still = [...weights.keys()].filter((name) => moved(name) === 0);
  // the last norm belongs to the pooled features; no map passes through it
  const unread = ["backbone.body.norm.weight", "backbone.body.norm.bias"];
  assertEquals(still, unread);
  const body = "backbone.body";
  const lr = 0.01; // AdamW's first step has the length of the learning rate for any gradient
  assertClose(moved("backbone.fpn.inner_blocks.0.0.weight"), lr, 1e-3);
  assertClose(moved(`${body}.stages.3.0.gamma`), lr / 2, 1e-3);
  assertClose(moved(`${body}.downsample_layers.0.0.weight`), lr / 32, 1e-3);
  disposeTrainedModel(state);
});

Deno.test("trainDetector() stops at a loss that is not finite, and says so", async () => {
  const state = tinyDetector();
  const [bias] = [...parameters(state.model.params.rpn).values()];
  tf.tidy(() => bias!.assign(bias!.mul(NaN)));
  await assertRejects(() => take(state, 1), RangeError, "the loss is NaN");
  disposeTrainedModel(state);
});

Deno.test("detectorLength() drops the last batch if it is not full, and needs one", () => {
  assertEquals(detectorLength(recipe, 7), { stepsPerEpoch: 3, totalSteps: 12 });
  assertThrows(() => detectorLength(recipe, 1), RangeError, "batch of 2 from 1");
});

Deno.test("detectInPictures() answers in pixels of the picture, whatever it is shown at", async () => {
  const state = tinyDetector();
  const { detections } = state.model.config;
  const sure = {
    ...state.model,
    config: { ...state.model.config, detections: { ...detections, minScore: 0 } },
  };
  const picture = raster(
    90,
    45,
    3,
    Uint8Array.from({ length: 90 * 45 * 3 }, (_, i) => i * i % 256),
  );
  const show = { shortSide: 64, longSide: 96, stats: imageNetStats };
  const results = await detectInPictures(sure, [{ id: 5, picture }], [10, 20], show);
  assertTrue(results.length > 0, "nothing found");
  for (const { imageId, categoryId, box: [x, y, w, h], mask } of results) {
    assertTrue(imageId === 5 && [10, 20].includes(categoryId), `${imageId}, ${categoryId}`);
    assertTrue(x >= 0 && y >= 0 && x + w <= 90.001 && y + h <= 45.001, `${[x, y, w, h]}`);
    assertEquals([mask!.height, mask!.width], [45, 90]);
  }
  disposeTrainedModel(state);
});

Deno.test("a detector's steps read nothing but proposals if told so, and have the same numbers", async () => {
  const [atOnce, deferred] = [tinyDetector(), tinyDetector()];
  const expected = await take(atOnce, Infinity);
  using counter = countReads();
  const actual = await withDeferredReads(() => take(deferred, Infinity));
  // Two tensors of proposals for each of twelve steps, and the numbers of ten steps and of two.
  assertEquals(counter.reads, 2 * 12 + 2);
  actual.forEach((step, i) => assertClose(Object.values(step), Object.values(expected[i]!), 1e-3));
  // Proposals cost one more forward pass, in which BatchNorm's running statistics must not move.
  const [own, others] = [atOnce, deferred].map(({ model }) => namedVariables(model.params));
  const statistics = [...own!].filter(([, { trainable }]) => !trainable);
  assertTrue(statistics.length > 0, "no running statistics");
  for (const [name, statistic] of statistics) {
    assertClose(others!.get(name)!, statistic.dataSync<"float32">(), 1e-3);
  }
  [atOnce, deferred].forEach(disposeTrainedModel);
});

Deno.test("a detector's step that is not finite and does not read its loss changes nothing", async () => {
  const state = tinyDetector();
  const [bias] = [...parameters(state.model.params.roi_heads).values()].slice(-1);
  tf.tidy(() => bias!.assign(bias!.mul(NaN)));
  const values = () =>
    [...namedVariables(state.model.params).values()].map((x) => [...x.dataSync()]);
  const before = values();
  await assertRejects(
    () => withDeferredReads(() => take(state, 3)),
    RangeError,
    "Cannot take a detector's step: the loss is NaN",
  );
  assertEquals(values(), before);
  disposeTrainedModel(state);
});
