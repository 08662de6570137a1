import * as tf from "lib/tf.ts";
import { shiftedAccuracy } from "lib/robustness/mod.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { loadData } from "lib/experiments/configs/data.ts";
import { openProbeClassifier } from "lib/experiments/measure/probe_classifier.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const config = override(bcSslStart, {
  name: "probed",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});
const key = { config, scale: "smoke", seed: 4 } as const;
const go = () => Promise.resolve();

Deno.test("openProbeClassifier() is the probe: it is right as often on the test images, and leaves no tensor", () =>
  inOutputs(async () => {
    const { lr, top1 } = await chosenProbe(config, { ...key, of: "init" });
    const { test } = await loadData(config.data, config.scales.smoke);
    const weights = findSubject(key, "init");
    const { numTensors } = tf.memory();
    {
      using probe = await openProbeClassifier(key, { weights, lr, pause: go });
      const { all, images } = await shiftedAccuracy([test], probe.classify);
      assertEquals(images, 32);
      assertClose(all, top1, 1e-6);
    }
    assertEquals(tf.memory().numTensors, numTensors);
    const stop = () => Promise.reject(new Error("Stopped"));
    const stopped = () => openProbeClassifier(key, { weights, lr, pause: stop });
    await assertRejects(stopped, Error, "Stopped");
    assertEquals(tf.memory().numTensors, numTensors);
  }));
