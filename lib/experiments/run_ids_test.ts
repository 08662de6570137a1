/**
 * The ids of all named runs stay what they are: a changed id would lose every run that people have.
 */
import { type Arm, armConfig, type ArmData, armGeometries } from "lib/experiments/configs/arms.ts";
import { methodConfig, methodNames } from "lib/experiments/configs/method_arms.ts";
import { changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import { runId, scaleNames } from "lib/experiments/configs/config.ts";
import { detectorArmConfig } from "lib/experiments/detect/detector_arms.ts";
import { detectorId } from "lib/experiments/detect/detector_config.ts";
import { gainSettings } from "lib/experiments/pretrain/gain_settings.ts";
import { twinId } from "lib/experiments/subjects/supervised_twin.ts";
import { namedConfigs, namedDetectors } from "lib/experiments/train_arguments.ts";
import { assertEquals } from "lib/testing/assert.ts";

const golden = new URL("./golden/run_ids.json", import.meta.url);

const kernels = [3, 5, 7, 9, 11, 13, 15, 21];
const arms: readonly Arm[] = [
  { arch: "resnet" },
  { arch: "vit" },
  { arch: "swin" },
  ...kernels.map((kernelSize) => ({ arch: "convnext", kernelSize }) as const),
  ...kernels.map((kernelSize) => ({ arch: "convnext", kernelSize, batchNorm: true }) as const),
];

/** The id of every run that has a name of its own, by what it is. */
function allIds(): Record<string, string> {
  const ids: Record<string, string> = {};
  for (const scale of scaleNames) {
    for (const [name, config] of namedConfigs) {
      for (const seed of [0, 1]) ids[`${name}, ${scale}, ${seed}`] = runId({ config, scale, seed });
      ids[`${name}, ${scale}, twin`] = twinId({ config, scale, seed: 0 });
    }
    for (const [name, config] of namedDetectors) {
      ids[`${name}, ${scale}`] = detectorId({ config, scale, seed: 0 });
    }
    for (const data of ["emoji", "fashion"] satisfies ArmData[]) {
      for (const arm of arms) {
        for (const geometry of armGeometries) {
          const config = armConfig(arm, { scale, data, geometry });
          const what = geometry === "coarse" ? "arm" : `${geometry} arm`;
          ids[`${what} ${JSON.stringify(arm)}, ${data}, ${scale}`] = runId({
            config,
            scale,
            seed: 0,
          });
        }
      }
    }
    for (const method of scale === "paper" ? [] : methodNames.filter((name) => name !== "dino")) {
      for (const data of ["emoji", "fashion"] satisfies ArmData[]) {
        const arm: Arm = { arch: "convnext", kernelSize: 9, batchNorm: true };
        const config = methodConfig(method, arm, { scale, data });
        ids[`${method}, arm ${JSON.stringify(arm)}, ${data}, ${scale}`] = runId({
          config,
          scale,
          seed: 0,
        });
      }
    }
    for (const kernelSize of [3, 9]) {
      for (const pretrained of [true, false]) {
        const config = detectorArmConfig({ kernelSize, pretrained }, { scale });
        const what = pretrained ? "pre-trained" : "from scratch";
        ids[`detector arm ${kernelSize}, ${what}, ${scale}`] = detectorId({
          config,
          scale,
          seed: 0,
        });
      }
    }
  }
  for (const arch of ["replknet", "slak"] as const) {
    const config = armConfig({ arch }, { scale: "laptop", geometry: "fine" });
    ids[`fine arm ${arch}, emoji, laptop`] = runId({ config, scale: "laptop", seed: 0 });
  }
  for (const { name, data, change } of gainSettings) {
    for (const kernelSize of [3, 9]) {
      const arm: Arm = { arch: "convnext", kernelSize, batchNorm: true };
      const [scale, geometry] = ["laptop", "fine"] as const;
      const config = changedArmConfig(arm, { scale, geometry, data, change });
      ids[`gain, ${name}, kernel ${kernelSize}`] = runId({ config, scale, seed: 0 });
    }
  }
  return ids;
}

/**
 * Regenerate only for a change that is meant to give new runs: `deno run -A
 * lib/experiments/run_ids_test.ts`.
 */
if (import.meta.main) {
  await Deno.writeTextFile(golden, JSON.stringify(allIds(), null, 1) + "\n");
}

Deno.test("every named run, twin, detector and arm has the id that it always had", async () => {
  const known: Record<string, string> = JSON.parse(await Deno.readTextFile(golden));
  const ids = allIds();
  // Names that are not in the file are new; those in it must all be there, unchanged.
  assertEquals(Object.fromEntries(Object.keys(known).map((name) => [name, ids[name]])), known);
});
