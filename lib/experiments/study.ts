/** The verb `study`: every comparison that the notebooks test claims of the paper on. */
import type { Arm } from "lib/experiments/configs/arms.ts";
import { armConfig } from "lib/experiments/configs/arms.ts";
import { type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { ablateDetectors, type DetectorArmResult } from "lib/experiments/detect/detector_arms.ts";
import { type ArmCams, armCams } from "lib/experiments/explain/arm_cams.ts";
import { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
import { robustness, type RobustResult } from "lib/experiments/robustness/robustness.ts";

/** How the whole study is run. */
export interface StudyOptions extends Pick<AblateOptions, "scale" | "seeds" | "watch"> {
  /**
   * Seeds of the networks that most claims are about, {@linkcode pairArms}; for k-NN and linear
   * probe. By default those of all.
   */
  readonly pairSeeds?: readonly number[];
}

/** Results of all comparisons. */
export interface StudyResults {
  /**
   * k-NN and linear probe of every arm on emoji. An arm that was also run with `pairSeeds` stands
   * here twice.
   */
  readonly arms: readonly ArmResult[];
  /** Average precision of detectors over kernel sizes, pre-trained and from scratch. */
  readonly detectors: readonly DetectorArmResult[];
  /** Accuracy on corrupted and redrawn images. */
  readonly robust: readonly RobustResult[];
  /** Scores of class activation maps. */
  readonly maps: readonly ArmCams[];
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Side of the images that the arms are trained on, pixels. */
  readonly pixels: number;
}

const others: readonly Arm[] = [{ arch: "resnet" }, { arch: "vit" }, { arch: "swin" }];
/** Networks with larger kernels, of which the paper has no run. */
const larger: readonly Arm[] = [{ arch: "replknet" }, { arch: "slak" }];
const convNeXt = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });
const bcSsl = (kernelSize: number): Arm => ({ ...convNeXt(kernelSize), batchNorm: true });
/**
 * The networks that most claims are about, which get more seeds than the others: BC-SSL with kernels
 * of 3 to 9, plain ConvNeXts with 3 and 9, and Swin.
 */
export const pairArms: readonly Arm[] = [
  ...[3, 9].flatMap((size) => [convNeXt(size), bcSsl(size)]),
  ...[5, 7].map(bcSsl),
  { arch: "swin" },
];

/**
 * Runs what the notebooks 01 to 08 run, with the same arms, so that a run which one of them has
 * made is loaded. As there, detectors have two kernel sizes below `paper`, and at `smoke` so have the
 * shifted images and the maps.
 *
 * @throws {Error} If it was interrupted: finished runs are kept, and the same call continues.
 */
export async function study(
  { scale, seeds, pairSeeds = seeds, watch }: StudyOptions,
): Promise<StudyResults> {
  const options = { scale, seeds, watch };
  const sizes = [3, 5, 7, 9, 15];
  const detected = scale === "paper" ? [3, 5, 7, 9] : [3, 9];
  const shifted = scale === "smoke" ? [3, 15] : sizes;
  const all = [...others, ...sizes.map(convNeXt), ...sizes.map(bcSsl)];
  const arms = await ablate(scale === "paper" ? all : [...all, ...larger], options);
  const more = pairSeeds.some((seed) => !seeds.includes(seed));
  const pairs = more ? await ablate(pairArms, { ...options, seeds: pairSeeds }) : [];
  const detectors = await ablateDetectors(
    [true, false].flatMap((pretrained) =>
      detected.map((kernelSize) => ({ kernelSize, pretrained }))
    ),
    options,
  );
  const robust = await robustness(
    [...others, ...shifted.map(convNeXt), ...shifted.map(bcSsl)],
    options,
  );
  const maps = await armCams([...others, ...shifted.map(bcSsl)], options);
  const { imageSize: pixels } = sizesAt(armConfig(bcSsl(9), { scale }), scale);
  return { arms: [...arms, ...pairs], detectors, robust, maps, scale, pixels };
}
