import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { cosineValues, pretrainLength } from "lib/ssl/method/recipe.ts";
import { type DistillationRecipe, distillationValues } from "./recipe.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

/** The reference's recipe for its ResNet-50, but with schedules also where it has constants. */
const recipe: DistillationRecipe = {
  model: {
    arch: "resnet",
    block: "bottleneck",
    depths: [1],
    dims: [4],
    selectiveKernels: false,
  },
  head: { hiddenDim: 4, bottleneckDim: 4, outDim: 4, batchNorm: false, normLastLayer: true },
  crops: dinoCrops,
  optimizer: "sgd",
  batchSize: 512,
  epochs: 100,
  lr: 0.03,
  minLr: 0.0048,
  warmupShare: 0.1,
  weightDecay: 1e-4,
  weightDecayEnd: 2e-4,
  clipNorm: 0,
  freezeLastLayerShare: 0.07,
  studentTemp: 0.1,
  teacherTemp: 0.07,
  warmupTeacherTemp: 0.04,
  warmupTeacherTempShare: 0.3,
  teacherMomentum: 0.996,
  centerMomentum: 0.9,
};
const length = { stepsPerEpoch: 7, totalSteps: 700 };
const at = (step: number) => ({
  ...cosineValues(recipe, { ...length, step }),
  ...distillationValues(recipe, { ...length, step }),
});

Deno.test("the schedules are the reference's schedules", () => {
  assertClose([0, 1, 69, 70].map((step) => at(step).lr), [0, 0.06 / 69, 0.06, 0.06]);
  const half = 70 + 630 / 2; // half-way between the warm-up and the end
  assertClose(at(half).lr, (0.06 + 0.0048) / 2);
  assertClose([0, 350].map((step) => at(step).weightDecay), [1e-4, 1.5e-4]);
  assertClose([0, 350].map((step) => at(step).teacherMomentum), [0.996, 0.998]);
  const temps = [0, 6, 7, 29 * 7, 699].map((step) => at(step).teacherTemp);
  assertClose(temps, [0.04, 0.04, 0.04 + 0.03 / 29, 0.07, 0.07]);
});

Deno.test("distillationValues() freeze the last layer for whole epochs where the share is of epochs", () => {
  for (let epochs = 0; epochs <= 100; epochs++) { // 0.07 · 100 is 7.000000000000001
    const totalSteps = 100;
    const frozen = Array.from(
      { length: totalSteps },
      (_, step) =>
        distillationValues({ ...recipe, freezeLastLayerShare: epochs / 100 }, {
          step,
          stepsPerEpoch: 1,
          totalSteps,
        }).freezeLastLayer,
    );
    assertEquals(frozen.filter((is) => is).length, epochs);
    assertEquals(frozen.lastIndexOf(true), epochs - 1);
  }
});

Deno.test("pretrainLength() drops the last batch of an epoch if it is not full", () => {
  assertEquals(pretrainLength(recipe, 1200), { stepsPerEpoch: 2, totalSteps: 200 });
  assertThrows(
    () => pretrainLength(recipe, 511),
    RangeError,
    "Cannot fill a batch of 512 from 511",
  );
  assertThrows(() => pretrainLength({ ...recipe, epochs: 0 }, 512), RangeError, "0 epochs");
});

Deno.test("pretrainLength() refuses more micro-batches than a batch has images, before a run begins", () => {
  assertThrows(
    () => pretrainLength({ ...recipe, accumulate: 513 }, 1200),
    RangeError,
    "512 images",
  );
});
