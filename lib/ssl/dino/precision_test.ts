/**
 * Compares DINO with matrix products in bf16 with DINO in fp32: a small BC-SSL on the same views.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { nativeStatus } from "lib/native/mod.ts";
import { bcSslConfig } from "lib/models/mod.ts";
import { createDinoState, dinoStep, disposeDinoState, type StepValues } from "lib/testing/dino.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const model = {
  ...bcSslConfig("tiny"),
  depths: [1, 2],
  dims: [24, 40],
  layerScaleInit: 0.5, // with the recipe's 1e-6, the blocks would hardly change the output
};
const head = {
  hiddenDim: 32,
  bottleneckDim: 16,
  outDim: 64,
  batchNorm: false,
  normLastLayer: true,
};
const values: StepValues = {
  lr: 2e-3,
  weightDecay: 0.04,
  teacherMomentum: 0.9,
  teacherTemp: 0.04,
  studentTemp: 0.1,
  centerMomentum: 0.9,
  clipNorm: 3,
  freezeLastLayer: false,
};

/** The losses of the first 20 steps, in nats, on four images that come again and again. */
function losses(changes: Partial<StepValues>): number[] {
  const state = createDinoState(model, head, createRng(0));
  try {
    return tf.tidy(() => {
      const views = {
        global: tf.randomNormal<tf.Rank.R4>([8, 32, 32, 3], 0, 1, "float32", 1),
        local: tf.randomNormal<tf.Rank.R4>([16, 16, 16, 3], 0, 1, "float32", 2),
      };
      return Array.from(
        { length: 20 },
        (_, step) => dinoStep(state, views, { ...values, ...changes }, createRng(step)).loss,
      );
    });
  } finally {
    disposeDinoState(state);
  }
}

Deno.test({
  name: "20 steps in bf16 stay within 0.02 nats of fp32's losses, and are the same twice",
  ignore: !nativeStatus().bf16,
  fn() {
    const [exact, rounded] = [losses({}), losses({ precision: "bf16" })];
    assertEquals(losses({ precision: "bf16" }), rounded);
    assertTrue(exact[19]! < exact[0]! - 0.1, "there is something to learn");
    const distances = exact.map((loss, step) => Math.abs(rounded[step]! - loss));
    assertTrue(distances[0]! > 1e-6, "the first step rounds");
    assertTrue(Math.max(...distances) < 0.02, `${distances}`);
  },
});
