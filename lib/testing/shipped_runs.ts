/**
 * Small runs that are trained, measured and shipped, for tests of shipping and of loading what is
 * shipped: two seeds of a pre-training, its supervised twin, and a detector on it.
 */
import { join } from "@std/path";
import { subset } from "lib/datasets/pictures/images.ts";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { override, runId } from "lib/experiments/configs/config.ts";
import { loadData } from "lib/experiments/configs/data.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { type DetectorConfig, detectorId } from "lib/experiments/detect/detector_config.ts";
import { sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { evaluateDetector } from "lib/experiments/detect/evaluate_detector.ts";
import { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
import { cams } from "lib/experiments/explain/cams.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { nearestImages } from "lib/experiments/measure/nearest_images.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { supervised } from "lib/experiments/pretrain/supervised.ts";
import { findSubject, loadSubject, type Subject } from "lib/experiments/subjects/subject.ts";
import { twinId } from "lib/experiments/subjects/supervised_twin.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { withVariables } from "lib/testing/outputs.ts";
import { planShipping, writeShipping } from "lib/experiments/ship/ship_runs.ts";

/** The smallest network. */
export const config = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
  scales: { smoke: { epochs: 1, monitorEvery: 4 } },
});
/** Steps of a run. */
export const steps = 8;
/** Options of a verb for a seed. */
export const at = (seed: number) => ({ scale: "smoke", seed } as const);
/** The key of the run of a seed. */
export const key = (seed: number) => ({ config, ...at(seed) } as const);
/** Ids of the runs of seeds 0 and 1. */
export const ids = [0, 1].map((seed) => runId(key(seed)));
/** Id of the supervised run of seed 0. */
export const twin = twinId(key(0));

/** Two steps on drawn scenes, from the weights of the run. */
export const detector: DetectorConfig = (() => {
  const base = sceneDetectors[0]!;
  const { box, mask, rpn } = base.model;
  return {
    ...base,
    name: "test_detector",
    pretrained: { config, scale: "smoke" },
    model: {
      ...base.model,
      backbone: config.recipe.model as MaskRcnnConfig["backbone"],
      fpnDim: 8,
      rpn: { ...rpn, samples: { ...rpn.samples, count: 16 } },
      box: { ...box, dim: 16, samples: { ...box.samples, count: 16 } },
      mask: { ...mask, dims: [8] },
    },
    scales: {
      ...base.scales,
      smoke: {
        imageSize: 64,
        trainCount: 4,
        valCount: 2,
        batchSize: 2,
        epochs: 1,
        monitorEvery: 1,
      },
    },
  };
})();
/** Id of the detector of seed 0. */
export const detectorRun = detectorId({ config: detector, ...at(0) });

/** A folder for all files of the tests; it is removed at the end. */
export const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
/** Where the runs are trained, and where they are shipped to. */
export const [outputs, to] = [join(root, "outputs"), join(root, "shipped")];

/** Calls `run` with `outputs/` and the folder of shipped runs in other places. */
export function inFolders<T>(
  run: (outputs: string) => Promise<T>,
  { here = Deno.makeTempDirSync({ dir: root }), shipped = to, saved = "" } = {},
): Promise<T> {
  const variables = { BCSSL_OUTPUTS: here, BCSSL_SHIPPED: shipped, BCSSL_SAVED: saved };
  return withVariables(variables, () => run(here));
}

/** A few images to explain. */
export async function someImages() {
  const { test } = await loadData(config.data, config.scales.smoke);
  return subset(test, [0, 1, 2]);
}

/** The network that `cams` explains, and how probes are trained. */
export const explained = { name: "ours", config, ...at(0), layers: ["stages.1.0"] } as const;
export const probing = { epochs: 2, lrs: [0.01, 0.1] } as const;

/** Everything that is measured of the runs. */
export async function measureAll() {
  const whole = { runs: [await pretrain(config, at(0)), await pretrain(config, at(1))] };
  const { gradCam } = (await cams([explained], await someImages())).rows[0]!;
  return {
    ...whole,
    twin: await supervised(config, at(0)),
    detector: await finetuneDetector(detector, at(0)),
    knn: [await knn(config, at(0)), await knn(config, at(1))],
    ofTwin: await knn(config, { ...at(0), of: "supervised" }),
    linear: await linearProbe(config, { ...at(0), ...probing }),
    nearest: await nearestImages(config, { ...at(0), k: 2 }),
    detection: await evaluateDetector(detector, at(0)),
    classes: gradCam!.map(({ className }) => className),
  };
}

const once = <T>(make: () => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => made ??= make();
};
/** Trains and measures the runs, once for all tests of a process. */
export const trained = once(() => inFolders(measureAll, { here: outputs, shipped: "none" }));
/** Ships them, once; returns what was measured. */
export const shipped = once(async () => {
  const measured = await trained();
  writeShipping(planShipping({ outputs, to }));
  return measured;
});

/** Values of a subject's network by name. */
export async function weightsOf(of: Subject, seed = 0) {
  using model = await loadSubject(key(seed), of, findSubject(key(seed), of));
  const values = [...namedVariables(model.params)].map(([name, variable]) =>
    [name, { rank: variable.rank, values: [...variable.dataSync()] }] as const
  );
  return new Map(values);
}

/** Files of a folder with their bytes. */
export function filesIn(folder: string): Map<string, string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return new Map(names.map((name) => [name, Deno.readFileSync(join(folder, name)).toHex()]));
}

/** A copy of the shipped runs, to damage. */
export function copyOfShipped(): string {
  const folder = Deno.makeTempDirSync({ dir: root });
  for (const name of filesIn(to).keys()) Deno.copyFileSync(join(to, name), join(folder, name));
  return folder;
}

/** Changes a bit of a file. @param at Its byte; from the end, if it is negative. */
export function flipByte(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  Deno.writeFileSync(path, bytes);
}
