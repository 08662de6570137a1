/**
 * The verb `compareMethods`: trains networks by several methods, and scores each by k-NN and linear
 * probe.
 */
import type { Table3Row } from "lib/paper/mod.ts";
import { type Arm, type ArmData, armName } from "lib/experiments/configs/arms.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import {
  methodConfig,
  type MethodName,
  methodTitle,
  printedOfMethod,
} from "lib/experiments/configs/method_arms.ts";
import { plural } from "lib/experiments/runs/in_turn.ts";
import { compareConfigs, type CompareOptions, type RunAccuracies } from "./compare_configs.ts";

/**
 * Results of one network by one method. Accuracies are fractions of the test images; all values are
 * one for each seed, in the order of `seeds`.
 */
export interface MethodResult extends Arm, RunAccuracies {
  /** Name of the method in recipes: `mocov3`. */
  readonly method: MethodName;
  /** Name of the method in tables and figures: `MoCo v3`. */
  readonly title: string;
  /** Name of the network: `BC-SSL, 9×9`. */
  readonly name: string;
  /**
   * RankMe of the features after the last step: how many directions they fill. NaN if it was not
   * measured.
   */
  readonly rankMe: readonly number[];
  /**
   * α-ReQ of the features after the last step: good near 1. NaN if it was not measured, and after a
   * collapse.
   */
  readonly alphaReQ: readonly number[];
  /** The paper's row about this method on this family of networks, if it has one. */
  readonly printed?: Table3Row;
  /** Images that the runs were trained on. */
  readonly data: ArmData | "imagenet";
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
}

/** Scale, seeds and images of a comparison of methods, and how its progress is shown. */
export interface CompareMethodsOptions extends CompareOptions {
  /** Images to train on; by default emoji. */
  readonly data?: ArmData;
}

/**
 * Trains and evaluates every network by every method with every seed. Finished runs are loaded;
 * DINO's are those of {@linkcode ablate} at geometry `coarse`.
 *
 * @returns One result per pair: all networks of the first method, then of the second, …
 * @throws {RangeError} If there is no method, no network or no seed, or for the reasons of
 *   {@linkcode methodConfig}.
 * @throws {Error} If it was interrupted; finished runs are kept, and the same call continues.
 *
 * @example
 * ```ts
 * import { compareMethods } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const arms = [{ arch: "convnext", kernelSize: 3, batchNorm: true }] as const;
 * const results = await compareMethods(["dino", "simclr"], arms, { scale: "smoke", seeds: [0] });
 * assertEquals(results.map(({ title, name }) => `${title}: ${name}`), [
 *   "DINO: BC-SSL, 3×3",
 *   "SimCLR: BC-SSL, 3×3",
 * ]);
 * for (const { title, knn, linear, rankMe } of results) console.log(title, knn, linear, rankMe);
 * ```
 */
export async function compareMethods(
  methods: readonly MethodName[],
  arms: readonly Arm[],
  options: CompareMethodsOptions,
): Promise<MethodResult[]> {
  const { scale, seeds, data } = options;
  const pairs = methods.flatMap((method) => arms.map((arm) => ({ method, arm })));
  const configs = pairs.map(({ method, arm }) => ({
    name: `${methodTitle(method)}: ${armName(arm)}`,
    config: methodConfig(method, arm, { scale, data }),
  }));
  const counts = [[methods, "method"], [arms, "network"], [seeds, "seed"]] as const;
  const title = counts.map(([{ length }, noun]) => plural(length, noun)).join(", ");
  const measured = await compareConfigs(title, configs, options);
  return pairs.map(({ method, arm }, i) => {
    const { accuracies, ...spectra } = measured[i]!;
    const printed = printedOfMethod(method, arm);
    return {
      ...arm,
      method,
      title: methodTitle(method),
      name: armName(arm),
      ...accuracies,
      ...spectra,
      ...(printed && { printed }),
      data: scale === "paper" ? "imagenet" : data ?? "emoji",
      scale,
      seeds,
    };
  });
}
