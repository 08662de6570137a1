/** Runs of MoBY that collapse, whose alarms say so, and one that does not. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { mobyCrops } from "./crops.ts";
import { createMoby } from "./moby.ts";
import type { MobyRecipe } from "./recipe.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { colouredPairs, fewWeights, momentAt, tinyRecipe } from "lib/testing/methods.ts";

/** A network of a few weights. */
const tiny: MobyRecipe = {
  method: "moby",
  ...tinyRecipe,
  ...fewWeights,
  head: { hiddenDim: 8, outDim: 4 },
  crops: mobyCrops,
  batchSize: 8,
  lr: 0.64, // 0.02 for a batch of 8
  warmupLr: 0,
  temperature: 0.2,
  keyMomentum: 0.9,
  queueLength: 16,
};

/** The alarms of a run of so many steps. */
function alarmsOf(
  changes: Partial<MobyRecipe>,
  steps: number,
  batch: (step: number) => Views = colouredPairs,
): string[] {
  const changed = { ...tiny, ...changes };
  using method = createMoby(changed, createRng(0));
  // What remains of the features in a collapse is the bias of the last norm.
  const bias = method.state.get("encoder.norm.bias")!;
  tf.tidy(() => bias.assign(tf.ones(bias.shape)));
  const training: Training = { method, optimizer: new Map() };
  const watch = alarmWatch(method.alarms, 0);
  const raised = Array.from({ length: steps }, (_, i) => {
    const metrics = tf.tidy(() => trainStep(training, batch(i + 1), changed, momentAt(0)));
    return watch({ step: i + 1, metrics }).map(({ name }) => `${name} at ${i + 1}`);
  });
  disposeOptimizer(training.optimizer);
  return raised.flat();
}

Deno.test("a weight decay that halves all weights in each step collapses MoBY, and an alarm says so", () => {
  const changes = { lr: 3.2e-5, weightDecay: 5e5, weightDecayEnd: 5e5 };
  const [alarm] = alarmsOf(changes, 150);
  const [, name, step] = /^(\w+) at (\d+)/.exec(alarm!)!;
  assertTrue(name === "alarmSameFeatures" || name === "alarmChance", `${name}`);
  assertTrue(Number(step) <= 150, `collapsed by step ${step}`);
});

Deno.test("MoBY on images that are all the same stays at chance, and alarms say so", () => {
  const image = tf.randomNormal([1, 8, 8, 3], 0, 1, "float32", 1);
  const same = () => ({ global: tf.tile(image, [16, 1, 1, 1]) as tf.Tensor4D, local: null });
  const names = ["alarmSameFeatures", "alarmSameProjections", "alarmChance"];
  const raised = alarmsOf({}, 110, same).map((line) => line.split(" at ") as [string, string]);
  assertEquals(raised.map(([name]) => name), names);
  for (const [name, step] of raised) {
    // The first two steps still compare with the random keys that the queue begins with.
    assertTrue(Number(step) >= 100 && Number(step) <= 102, `${name} at ${step}`);
  }
});

Deno.test("a run of MoBY that learns raises no alarm", () => {
  assertEquals(alarmsOf({}, 150), []);
});
