import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { cams } from "lib/experiments/explain/cams.ts";
import { baselines, knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { loadData } from "lib/experiments/configs/data.ts";
import { assertRejects } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";

/** A small network on pictures that a person has in two folders, some in each. */
async function onFolders(
  paths: readonly string[],
  run: (config: typeof bcSslStart) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (folder) => {
    for (const part of ["train", "test"]) {
      for (const [i, path] of paths.entries()) {
        const file = `${folder}/${part}/${path}/${i}.jpg`;
        Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
        Deno.writeFileSync(file, await jpeg(i, 40, 40));
      }
    }
    const config = override(bcSslStart, {
      name: "own",
      recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
    });
    const data = { kind: "folder", train: `${folder}/train`, test: `${folder}/test` } as const;
    await inOutputs(() => run({ ...config, data }));
  });
}

const key = { scale: "smoke", seed: 0 } as const;
const init = { ...key, of: "init" } as const;

Deno.test("pictures without classes are refused by everything that scores classes, in words", () =>
  onFolders(["", "", "", ""], async (config) => {
    const refused = (attempt: () => Promise<unknown>) =>
      assertRejects(attempt, RangeError, "have no classes");
    await refused(() => knn(config, init));
    await refused(() => knn(config, { ...key, of: "pixels" }));
    await refused(() => linearProbe(config, init));
    await refused(() => linearProbe(config, { ...init, augment: true }));
    await refused(() => baselines(config, { scale: "smoke", seeds: [0] }));
    const { test } = await loadData(config.data, config.scales.smoke);
    await refused(() => cams([{ name: "own", config, ...init }], test));
  }));

Deno.test("pictures of one class are refused by everything that scores classes, in words", () =>
  onFolders(["cat", "cat", "cat", "cat"], async (config) => {
    const refused = (attempt: () => Promise<unknown>) =>
      assertRejects(attempt, RangeError, "has one class, cat");
    await refused(() => knn(config, init));
    await refused(() => linearProbe(config, init));
  }));
