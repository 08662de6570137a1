/**
 * The verb `ablate`: trains networks that differ in one thing with several seeds, and scores each
 * by k-NN and linear probe.
 */
import {
  type Arm,
  type ArmData,
  armName,
  familyOfArm,
  printedOfArm,
} from "lib/experiments/configs/arms.ts";
import { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import { plural } from "lib/experiments/runs/in_turn.ts";
import { compareConfigs, type CompareOptions, type RunAccuracies } from "./compare_configs.ts";

/**
 * Results of one arm. Accuracies are fractions of the test images, one for each seed, in the order
 * of `seeds`.
 */
export interface ArmResult extends Arm, RunAccuracies {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly name: string;
  /** Name of its family: `BC-SSL`. */
  readonly family: string;
  /** The paper's accuracies of this network on ImageNet-1K, fractions. */
  readonly paper: { readonly knn?: number; readonly linear?: number };
  /** Images that the runs were trained on, if `change` does not say otherwise. */
  readonly data: ArmData | "imagenet";
  /** The change of the comparison; absent if there was none. */
  readonly change?: ArmSetting["change"];
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
}

/** Setting and seeds of a comparison, and how its progress is shown. */
export interface AblateOptions extends ArmSetting, CompareOptions {}

/**
 * Trains and evaluates every arm with every seed: all arms with the first seed, then with the
 * second, and so on. Finished runs are loaded from `outputs/` or from those that come with the
 * project, so after a change only the arm that changed takes time.
 *
 * @returns One result per arm, in their order.
 * @throws {RangeError} If there is no arm or no seed, or for the reasons of
 *   {@linkcode changedArmConfig}.
 * @throws {Error} If it was interrupted; finished runs are kept, and the same call continues.
 *
 * @example
 * ```ts
 * import { ablate } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const results = await ablate(
 *   [{ arch: "convnext", kernelSize: 3 }, { arch: "convnext", kernelSize: 3, batchNorm: true }],
 *   { scale: "smoke", seeds: [0], data: "fashion" },
 * );
 * assertEquals(results.map(({ name }) => name), ["ConvNeXt, 3×3", "BC-SSL, 3×3"]);
 * for (const { name, knn, linear } of results) console.log(name, { knn, linear }); // by seed
 *
 * // The same arms in another setting are other runs.
 * await ablate([{ arch: "convnext", kernelSize: 3 }], {
 *   scale: "smoke",
 *   seeds: [0],
 *   change: { data: { background: "textured" } },
 * });
 * ```
 */
export async function ablate(
  arms: readonly Arm[],
  options: AblateOptions,
): Promise<ArmResult[]> {
  const { scale, seeds, data, geometry, change } = options;
  const configs = arms.map((arm) => ({
    name: armName(arm),
    config: changedArmConfig(arm, { scale, data, geometry, change }),
  }));
  const title = `${plural(arms.length, "network")}, ${plural(seeds.length, "seed")}`;
  const measured = await compareConfigs(title, configs, options);
  return arms.map((arm, i) => ({
    ...arm,
    name: armName(arm),
    family: familyOfArm(arm),
    ...measured[i]!.accuracies,
    paper: { knn: printedOfArm(arm, "knn"), linear: printedOfArm(arm, "linear") },
    data: scale === "paper" ? "imagenet" : data ?? "emoji",
    ...(change && { change }),
    scale,
    seeds,
  }));
}
