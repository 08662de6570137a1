import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override } from "lib/experiments/configs/config.ts";
import { baselines, knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { nearestImages } from "lib/experiments/measure/nearest_images.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { mayCompute, NotSavedError } from "./saved_only.ts";
import { supervised } from "lib/experiments/pretrain/supervised.ts";
import { throughput } from "lib/experiments/measure/throughput.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";

const options = { scale: "smoke", seed: 0 } as const;
const config = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
  scales: { smoke: { epochs: 1, monitorEvery: 8 } },
});
const sizes = { batchSize: 2, imageSize: 32, warmup: 0, timed: 1 };

/** Every verb that trains, evaluates or measures. */
const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
  pretrain: () => pretrain(config, options),
  supervised: () => supervised(config, options),
  knn: () => knn(config, options),
  linearProbe: () => linearProbe(config, { ...options, epochs: 1 }),
  baselines: () => baselines(config, { scale: "smoke", seeds: [0] }),
  nearestImages: () => nearestImages(config, { ...options, k: 2 }),
  nearestPixels: () => nearestImages(config, { ...options, k: 2, by: "pixels" }),
  throughput: () => throughput(config.recipe.model, sizes),
};

/** Runs with `BCSSL_SAVED=only`. */
async function fromSaved<T>(run: () => Promise<T>): Promise<T> {
  Deno.env.set("BCSSL_SAVED", "only");
  try {
    return await run();
  } finally {
    Deno.env.delete("BCSSL_SAVED");
  }
}

Deno.test("BCSSL_SAVED=only refuses to compute, writes nothing, and loads what is saved", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.env.set("BCSSL_OUTPUTS", folder);
  Deno.env.set("BCSSL_SHIPPED", "none");
  try {
    for (const verb of Object.values(verbs)) {
      await assertRejects(() => fromSaved(verb), NotSavedError, "in outputs/");
    }
    assertEquals([...Deno.readDirSync(folder)], []);
    for (const [name, verb] of Object.entries(verbs)) {
      const computed = await verb();
      assertEquals(await fromSaved(verb), computed, name);
    }
    const fresh = () => pretrain(config, { ...options, fresh: true });
    await assertRejects(() => fromSaved(fresh), NotSavedError, "run test-");
    await fromSaved(verbs.pretrain!);
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("mayCompute() refuses a BCSSL_SAVED that it does not know", async () => {
  mayCompute("anything");
  await fromSaved(() => {
    Deno.env.set("BCSSL_SAVED", "yes");
    assertThrows(() => mayCompute("anything"), RangeError, 'BCSSL_SAVED is "yes"');
    return Promise.resolve();
  });
});
