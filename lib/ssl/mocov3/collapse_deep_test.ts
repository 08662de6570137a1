/** Runs of MoCo v3 that collapse, whose alarms say so, and one that does not. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { mocoV3Alarms } from "./alarms.ts";
import { mocoV3Crops } from "./crops.ts";
import { createMocoV3 } from "./mocov3.ts";
import type { MocoV3Recipe } from "./recipe.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { colouredPairs, fewWeights, firstAlarms, tinyRecipe } from "lib/testing/methods.ts";

/** A network of a few weights. */
const tiny: MocoV3Recipe = {
  method: "mocov3",
  ...tinyRecipe,
  ...fewWeights,
  head: { form: "resnet", hiddenDim: 8, outDim: 4 },
  crops: mocoV3Crops,
  temperature: 0.2,
  encoderMomentum: 0.9,
};

/** The alarms of a run of at most so many steps, which ends at the first one. */
function alarmsOf(
  changes: Partial<MocoV3Recipe>,
  steps: number,
  batch: (step: number) => Views = colouredPairs,
): string[] {
  const changed = { ...tiny, ...changes };
  using method = createMocoV3(changed, createRng(0));
  // What remains of the features in a collapse is the bias of the last norm.
  const bias = method.state.get("base_encoder.norm.bias")!;
  tf.tidy(() => bias.assign(tf.ones(bias.shape)));
  const { temperature } = changed;
  const rules = mocoV3Alarms({ batchSize: 8, temperature }); // batches of 8
  const raised = firstAlarms(method, { rules, steps, views: batch, options: changed });
  return raised.map((alarm) => alarm.split(":")[0]!); // without its message
}

Deno.test("a weight decay that halves all weights in each step collapses MoCo v3, and an alarm says so", () => {
  const [alarm] = alarmsOf({ lr: 1e-6, weightDecay: 5e5, weightDecayEnd: 5e5 }, 300);
  const [, name, step] = /^(\w+) at (\d+)/.exec(alarm!)!;
  assertTrue(name === "alarmSameFeatures" || name === "alarmChance", `${name}`);
  assertTrue(Number(step) < 150, `collapsed by step ${step}`);
});

Deno.test("MoCo v3 on images that are all the same stays at chance, and alarms say so", () => {
  const image = tf.randomNormal([1, 8, 8, 3], 0, 1, "float32", 1);
  const same = () => ({ global: tf.tile(image, [16, 1, 1, 1]) as tf.Tensor4D, local: null });
  const names = ["alarmSameFeatures", "alarmSameProjections", "alarmChance"];
  assertEquals(alarmsOf({}, 100, same), names.map((name) => `${name} at 100`));
});

Deno.test("a run of MoCo v3 that learns raises no alarm", () => {
  assertEquals(alarmsOf({ lr: 0.02 }, 150), []);
});
