import { createRng } from "lib/rng.ts";
import { recipeAt } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { loadSubject } from "./subject.ts";
import { createModel } from "lib/models/mod.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { readSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import { saveWeights } from "lib/weights/weights.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";

Deno.test("loadSubject() takes the weights that `key` names where a file holds the network twice", () =>
  inTempFolder(async (folder) => {
    const run = { config: bcSslStart, scale: "smoke", seed: 0 } as const;
    const { model } = recipeAt(run.config, run.scale);
    const path = `${folder}/x.safetensors`;
    const models = [1, 2].map((seed) => createModel(model, createRng(seed)));
    const arrays = await Promise.all(models.map(async (model, i) => {
      const path = `${folder}/${i}.safetensors`;
      await saveWeights(model, path);
      const prefix = ["model", "model_ema"][i];
      return [...readSafetensors(path).arrays].map(([name, array]) =>
        [`${prefix}.${name}`, array] as const
      );
    }));
    writeSafetensors(path, { arrays: new Map(arrays.flat()), metadata: {} });
    const found = { folder: { id: "x", path: folder }, path, version: "" };
    const load = (key?: string) => loadSubject(run, { weights: path, key }, found);
    await assertRejects(() => load(), Error, 'under "model", "model_ema"; say which with { key:');
    const loaded = await load("model_ema");
    const [name, variable] = [...namedVariables(loaded.params)].at(-1)!;
    const expected = namedVariables(models[1]!.params).get(name)!;
    assertEquals(variable.dataSync(), expected.dataSync());
    for (const { params } of [...models, loaded]) disposeTree(params);
  }));
