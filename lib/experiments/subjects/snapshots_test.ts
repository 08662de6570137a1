import { join } from "@std/path";
import { checkpointPath, listSnapshots, snapshotPath } from "lib/runs/checkpoints.ts";
import { override, recipeAt } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { byolStart, simclrV2Start } from "lib/experiments/configs/method_runs.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { nearestImages } from "lib/experiments/measure/nearest_images.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { supervised } from "lib/experiments/pretrain/supervised.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { halfWeights } from "lib/experiments/ship/half_weights.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { isEvaluated } from "lib/ssl/methods.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { snapshots } from "./snapshots.ts";
import { findSubject, loadSubject } from "./subject.ts";
import { twinId } from "./supervised_twin.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";
import { inOutputs, sharedOutputs } from "lib/testing/outputs.ts";

const options = { scale: "smoke", seed: 0 } as const; // 16 steps in 2 epochs
const model = { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] };
const small = override(bcSslStart, { name: "test", recipe: { model } });
const kept = [1, 2, 3, 6];
const inShared = sharedOutputs();

/** Snapshots in a run's folder with their bytes. */
function filesOf(config: typeof small): [number, string][] {
  const { path } = runFolder({ config, ...options });
  return listSnapshots(path).map(({ step, path }) => [step, Deno.readFileSync(path).toHex()]);
}

Deno.test("pretrain() keeps snapshots: a checkpoint's teacher of the same step, in half precision", () =>
  inShared(async () => {
    const whole = await pretrain(small, options);
    const files = filesOf(small);
    assertEquals(files.map(([step]) => step), kept);
    const { path } = runFolder({ config: small, ...options });
    await inOutputs(async () => {
      await pretrain(small, { ...options, untilStep: 3 });
      const here = runFolder({ config: small, ...options }).path;
      const expected = halfWeights(checkpointPath(here, 3), isEvaluated(recipeAt(small, "smoke")));
      assertEquals(readTrainingState(snapshotPath(path, 3)), {
        ...expected,
        arrays: new Map([...expected.arrays].map(([name, { half: _, ...array }]) => [name, array])),
      });
      assertEquals(filesOf(small).map(([step]) => step), [1, 2, 3]);
      assertEquals(await pretrain(small, options), whole); // it went on
      assertEquals(filesOf(small), files);
      await pretrain(small, { ...options, fresh: true, untilStep: 1 });
      assertEquals(filesOf(small), files.slice(0, 1)); // those of the earlier training are gone
    });
  }));

Deno.test("snapshots() lists a run's moments, which knn(), nearestImages() and loadSubject() take", () =>
  inShared(async () => {
    await pretrain(small, options);
    const moments = snapshots(small, options);
    assertEquals(moments.map(({ step }) => step), [0, ...kept, 16]);
    assertEquals(
      moments.map(({ name }) => name),
      ["epoch 0", "epoch 0.1", "epoch 0.3", "epoch 0.4", "epoch 0.8", "epoch 2"],
    );
    assertEquals(moments.map(({ of }) => of), [
      "init",
      ...kept.map((step) => ({ step })),
      "teacher",
    ]);
    const versions: string[] = [];
    for (const { of, ...key } of moments) {
      using network = await loadSubject(key, of, findSubject(key, of));
      versions.push(`${[...namedVariables(network.params).values()][0]!.dataSync()}`);
    }
    assertEquals(new Set(versions).size, moments.length, "each has weights of its own");
    const { of } = moments[2]!;
    assertEquals((await knn(small, { ...options, of })).version, "step 2");
    const found = await nearestImages(small, { ...options, by: of, k: 2, queries: [0] });
    assertEquals(found.columns, 3);
    const file = join(runFolder({ config: small, ...options }).path, "neighbours.json");
    const [{ options: { by, version } }] = JSON.parse(Deno.readTextFileSync(file));
    assertEquals([by, version], [{ step: 2 }, "step 2"]);
  }));

Deno.test("a step whose weights are not kept says which are; a run that is not there, what makes it", () =>
  inShared(async () => {
    await pretrain(small, options);
    const at = (step: number) => findSubject({ config: small, ...options }, { step });
    assertEquals(at(16).version, "step 16"); // the last checkpoint's
    assertThrows(() => at(5), Error, "has the weights of 1, 2, 3, 6, 16; snapshots() lists them");
    const other = { ...options, seed: 7 };
    assertThrows(() => snapshots(small, other), Error, "call pretrain() with the same options");
  }));

Deno.test("snapshots hold the online network of BYOL, the layer of the head that SimCLRv2 keeps, and none is kept with labels", () =>
  inOutputs(async () => {
    for (const base of [byolStart, simclrV2Start]) {
      const config = override(base, { name: "test", recipe: { model } });
      await pretrain(config, { ...options, untilStep: 1 });
      const { path } = runFolder({ config, ...options });
      const names = [...readTrainingState(snapshotPath(path, 1)).arrays.keys()];
      const prefixes = new Set(names.map((name) => name.split(".").slice(0, 2).join(".")));
      const expected = base === byolStart
        ? ["online.backbone"]
        : ["network.backbone", "network.projector"];
      assertEquals([...prefixes].sort(), expected);
      const of = { step: 1 } as const;
      using network = await loadSubject(
        { config, ...options },
        of,
        findSubject({ config, ...options }, of),
      );
      assertEquals(network.featureDim > 0, true);
    }
    await supervised(small, options);
    const twin = `${Deno.env.get("BCSSL_OUTPUTS")}/${twinId({ config: small, ...options })}`;
    assertEquals(listSnapshots(twin), []);
    const missing = () => knn(small, { ...options, of: { step: 1 } });
    await assertRejects(missing, Error, "has the weights of no step");
  }));
