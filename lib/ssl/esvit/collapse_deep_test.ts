/** EsViT collapses without the centres or without a sharp teacher, in both heads; alarms say so. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import { createEsvit } from "./esvit.ts";
import type { EsvitRecipe } from "./recipe.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { colouredPairs } from "lib/testing/methods.ts";

const outDim = 16;
const recipe: EsvitRecipe = {
  method: "esvit",
  model: {
    arch: "convnext",
    depths: [1, 1],
    dims: [4, 8],
    kernelSize: 3,
    batchNorm: true,
    dwconvBias: false,
    patchSize: 2,
    dropPathRate: 0,
    layerScaleInit: 0.1,
  },
  head: { hiddenDim: 8, bottleneckDim: 4, outDim, batchNorm: false, normLastLayer: true },
  crops: { ...dinoCrops, globalSize: 8, localCrops: 0 },
  batchSize: 256, // the learning rate is as given
  epochs: 1,
  lr: 0.01,
  minLr: 0.01,
  warmupShare: 0,
  weightDecay: 0,
  weightDecayEnd: 0,
  clipNorm: 3,
  freezeLastLayerShare: 0,
  studentTemp: 0.1,
  teacherTemp: 0.04,
  warmupTeacherTemp: 0.04,
  warmupTeacherTempShare: 0,
  teacherMomentum: 0.9,
  centerMomentum: 0.9,
};

/** The alarms of a run, by name. */
function alarmsOf(changes: Partial<EsvitRecipe>, steps: number): string[] {
  const changed = { ...recipe, ...changes };
  using method = createEsvit(changed, createRng(0));
  const training: Training = { method, optimizer: new Map() };
  const watch = alarmWatch(method.alarms, 0);
  const now = { step: 0, stepsPerEpoch: 1000, totalSteps: 1000, rng: createRng(0) };
  const raised: string[] = [];
  for (let step = 1; step <= steps; step++) {
    const metrics = tf.tidy(() => trainStep(training, colouredPairs(step), changed, now));
    raised.push(...watch({ step, metrics }).map(({ name }) => name));
  }
  disposeOptimizer(training.optimizer);
  return raised.sort();
}

Deno.test("without centres, both heads of EsViT collapse to one prototype, and alarms say so", () => {
  const alarms = alarmsOf({ centerMomentum: 1 }, 200);
  assertEquals(alarms, ["alarmOnePrototype", "alarmOneRegionPrototype"]);
});

Deno.test("with a teacher that is not sharp, both heads of EsViT become uniform, and alarms say so", () => {
  const alarms = alarmsOf({ teacherTemp: 1, warmupTeacherTemp: 1 }, 220);
  assertEquals(alarms, ["alarmUniform", "alarmUniformRegions"]);
});

/** A slower run, whose heads have BatchNorm. */
const healthy = {
  lr: 0.001,
  teacherMomentum: 0.99,
  head: { ...recipe.head, batchNorm: true },
} as const;

Deno.test("a run of EsViT that learns raises no alarm", () => {
  assertEquals(alarmsOf(healthy, 200), []);
});
