/**
 * The verb `kernelGains`: how much a large kernel gains over a small one, in several settings: other
 * sizes of images, lengths, numbers and kinds of images.
 */
import { familyOf, type ModelConfig } from "lib/models/mod.ts";
import { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import type { Arm } from "lib/experiments/configs/arms.ts";
import { sizesAt } from "lib/experiments/configs/config.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { statusOf } from "lib/experiments/runs/shipped.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { ablate, type AblateOptions, type ArmResult } from "./ablate.ts";

/** One setting in which two kernel sizes are compared. */
export interface GainSetting extends Pick<ArmSetting, "data" | "change"> {
  /** The question it belongs to: `length of training`. Settings of one axis share a panel. */
  readonly axis: string;
  /** Its place on the axis: `8,320 steps`. */
  readonly name: string;
  /** The seeds of both arms. */
  readonly seeds: readonly number[];
}

/** A setting with what was measured in it. Fractions, not percent. */
export interface KernelGain extends GainSetting {
  /** Result of the small kernel. */
  readonly small: ArmResult;
  /** Result of the large kernel. */
  readonly large: ArmResult;
  /** Difference of k-NN accuracies, large minus small, a fraction for each seed. */
  readonly knn: readonly number[];
  /** The same of linear probes. */
  readonly linear: readonly number[];
  /** Side of the map of the stage with most blocks, in positions. */
  readonly mapSide: number;
  /** Steps of each run. */
  readonly steps: number;
}

/** Scale and kernels of a comparison in several settings, and how its progress is shown. */
export interface KernelGainOptions
  extends Pick<AblateOptions, "scale" | "geometry" | "fresh" | "watch"> {
  /** Sides of the two kernels, the smaller first. By default 3 and 9. */
  readonly kernelSizes?: readonly [number, number];
}

/**
 * Trains BC-SSL with a small and with a large kernel in every setting and compares them seed by
 * seed. Finished runs are loaded.
 *
 * @returns One gain per setting, in their order.
 * @throws As {@linkcode ablate}.
 */
export async function kernelGains(
  settings: readonly GainSetting[],
  { kernelSizes: [small, large] = [3, 9], scale, geometry, ...options }: KernelGainOptions,
): Promise<KernelGain[]> {
  const arms = [small, large].map((kernelSize): Arm => ({
    arch: "convnext",
    kernelSize,
    batchNorm: true,
  }));
  const gains: KernelGain[] = [];
  for (const setting of settings) {
    const { data, change, seeds } = setting;
    const results = await ablate(arms, { ...options, scale, geometry, data, change, seeds });
    const config = changedArmConfig(arms[0]!, { scale, data, geometry, change });
    gains.push({
      ...setting,
      ...differenceOf(results as [ArmResult, ArmResult]),
      mapSide: deepMapSide(config.recipe.model, sizesAt(config, scale).imageSize),
      steps: statusOf(runFolder({ config, scale, seed: seeds[0]! }))!.totalSteps,
    });
  }
  return gains;
}

function differenceOf([small, large]: readonly [ArmResult, ArmResult]) {
  const difference = (score: "knn" | "linear") =>
    large[score].map((value, i) => value - small[score][i]!);
  return { small, large, knn: difference("knn"), linear: difference("linear") };
}

/**
 * Compares each kernel size at the setting in which it does best by k-NN, among settings of one
 * axis: each with its own learning rate. They are chosen by the accuracies that are compared, so
 * both are too optimistic, by about as much.
 *
 * @param gains Settings with the same seeds.
 * @returns A gain of the same axis, named `each its best`.
 * @throws {RangeError} If there is no setting, or their axes or seeds differ.
 */
export function bestAgainstBest(gains: readonly KernelGain[]): KernelGain {
  const [first] = gains;
  const alike = (key: "axis" | "seeds") => new Set(gains.map((gain) => `${gain[key]}`)).size === 1;
  if (first === undefined || !alike("axis") || !alike("seeds")) {
    throw new RangeError(
      "Cannot choose the best setting of each kernel size: need settings of one axis, with the " +
        `same seeds; current are ${gains.map(({ name }) => name).join(", ") || "none"}`,
    );
  }
  const best = (side: "small" | "large") =>
    gains.map((gain) => gain[side])
      .reduce((a, b) => meanAndError(b.knn).mean > meanAndError(a.knn).mean ? b : a);
  const { axis, seeds, mapSide, steps } = first;
  const compared = differenceOf([best("small"), best("large")]);
  return { ...{ axis, name: "each its best", seeds, mapSide, steps }, ...compared };
}

/**
 * Compares networks with the first of them, as settings of one axis: `9×9`, `RepLKNet`.
 *
 * @param results Of the same seeds, images and steps.
 * @param place The axis, and what all of them share.
 * @throws {RangeError} If there is no other network, or their seeds differ.
 */
export function networkGains(
  results: readonly ArmResult[],
  { axis, mapSide, steps }: Pick<KernelGain, "axis" | "mapSide" | "steps">,
): KernelGain[] {
  const [first, ...others] = results;
  if (others.length === 0 || new Set(results.map(({ seeds }) => `${seeds}`)).size > 1) {
    throw new RangeError(
      "Cannot compare networks with the first: need two or more with the same seeds, current are " +
        (results.map(({ name, seeds }) => `${name} with [${seeds}]`).join(", ") || "none"),
    );
  }
  return others.map((other) => {
    const { seeds, kernelSize, family } = other;
    const name = kernelSize === undefined ? family : `${kernelSize}×${kernelSize}`;
    return { ...{ axis, name, seeds, mapSide, steps }, ...differenceOf([first!, other]) };
  });
}

/**
 * Side of the map of the stage with most blocks, in positions; of equal stages, the later one.
 *
 * @param imageSize Side of the image in pixels.
 */
export function deepMapSide(model: ModelConfig, imageSize: number): number {
  const blocks = "depths" in model ? model.depths : [model.depth];
  const deepest = blocks.lastIndexOf(Math.max(...blocks));
  return Math.floor(imageSize / familyOf(model).stages(model)[deepest]!.stride);
}
