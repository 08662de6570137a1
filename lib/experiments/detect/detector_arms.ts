/**
 * The verb `ablateDetectors`: BC-SSLs with different kernels as backbones of detectors, pre-trained
 * and from scratch (§4.2, Table 4).
 */
import { table4 } from "lib/paper/mod.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import type { AblateOptions } from "lib/experiments/pretrain/ablate.ts";
import type { Watch } from "lib/experiments/pretrain/compare_configs.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import {
  type DetectorConfig,
  detectorId,
  originRun,
} from "lib/experiments/detect/detector_config.ts";
import { paperDetectors, sceneDetectorOn } from "lib/experiments/detect/detector_runs.ts";
import { type DetectorScores, evaluateDetector } from "lib/experiments/detect/evaluate_detector.ts";
import { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
import { counter, plural, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { folderOf, runFolder } from "lib/experiments/runs/run_folder.ts";
import { statusOf } from "lib/experiments/runs/shipped.ts";

/** A BC-SSL as a detector's backbone. */
export interface DetectorArm {
  /** Kernel size of its depthwise convolutions: odd, in pixels. At `paper` 3, 5, 7 or 9. */
  readonly kernelSize: number;
  /**
   * Whether the backbone is pre-trained by DINO; otherwise it starts from the weights that the
   * pre-training of the same seed starts from.
   */
  readonly pretrained: boolean;
}

/** Table 4's columns. */
export const detectorMetrics = [
  "boxAp",
  "boxAp50",
  "boxAp75",
  "maskAp",
  "maskAp50",
  "maskAp75",
] as const;
/** Name of an average precision: of boxes or masks; at an overlap of 0.5, of 0.75, or over all. */
export type DetectorMetric = typeof detectorMetrics[number];

/**
 * Results of one arm. Average precisions on val are fractions, one for each seed, in the order of
 * `seeds`.
 */
export interface DetectorArmResult
  extends DetectorArm, Readonly<Record<DetectorMetric, readonly number[]>> {
  /** `BC-SSL, 9×9` or `BC-SSL, 9×9, from scratch`. */
  readonly name: string;
  /**
   * Numbers that Table 4 prints on COCO after 100 epochs of pre-training; it has none from scratch.
   */
  readonly paper?: Readonly<Record<DetectorMetric, number>>;
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the detectors' runs, one for each seed. */
  readonly runs: readonly string[];
}

/** How arms are compared as backbones of a detector. */
export interface AblateDetectorsOptions extends Pick<AblateOptions, "scale" | "seeds" | "watch"> {
  /** Whether to fine-tune finished detectors again; pre-trained runs stay as they are. */
  readonly fresh?: boolean;
}

/** Name of an arm: `BC-SSL, 9×9, from scratch`. */
export function detectorArmName(arm: DetectorArm): string {
  return armName(backboneOf(arm)) + (arm.pretrained ? "" : ", from scratch");
}

/**
 * The detector config of an arm: on scenes of emoji; at `paper` on COCO, with the paper's schedule
 * of 36 epochs. The backbone comes from a run at the same scale.
 *
 * @throws {RangeError} If the kernel size is not odd, or at `paper` is not in Table 4.
 */
export function detectorArmConfig(
  arm: DetectorArm,
  { scale }: { readonly scale: ScaleName },
): DetectorConfig {
  const config = armConfig(backboneOf(arm), { scale });
  const of = arm.pretrained ? "teacher" : "init";
  const base = scale === "paper" ? printedDetector(config.name) : sceneDetectorOn(config);
  return { ...base, pretrained: { config, scale, of } };
}

function printedDetector(pretraining: string): DetectorConfig {
  const found = paperDetectors.find(({ name }) => name === `coco_${pretraining}_3x`);
  if (found !== undefined) return found;
  throw new RangeError(
    `Cannot detect with ${pretraining} as in Table 4: use kernels of 3, 5, 7, 9`,
  );
}

function backboneOf({ kernelSize }: DetectorArm): Arm {
  return { arch: "convnext", kernelSize, batchNorm: true };
}

/**
 * Fine-tunes a detector for every arm with every seed, the first seed of all arms first, and
 * measures it on val. Missing backbones are pre-trained first; finished runs are loaded from
 * `outputs/`.
 *
 * @returns One result per arm, in their order.
 * @throws {RangeError} If there is no arm or no seed, or as {@linkcode detectorArmConfig}.
 * @throws {Error} If it was interrupted: finished runs are kept, and the same call continues.
 */
export async function ablateDetectors(
  arms: readonly DetectorArm[],
  options: AblateDetectorsOptions,
): Promise<DetectorArmResult[]> {
  const { scale, seeds, watch = (_, run) => run({}) } = options;
  if (arms.length === 0 || seeds.length === 0) {
    throw new RangeError(
      `Cannot compare: need an arm and a seed, current are ${arms.length} and ${seeds.length}`,
    );
  }
  const configs = arms.map((arm) => detectorArmConfig(arm, { scale }));
  const title = `detectors: ${plural(arms.length, "arm")}, ${plural(seeds.length, "seed")}`;
  const measured = await watch(title, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const bySeed: DetectorScores[][] = [];
    for (const seed of seeds) {
      const row: DetectorScores[] = [];
      for (const [i, config] of configs.entries()) {
        const name = detectorArmName(arms[i]!);
        row.push(await count(() => measure(name, config, { ...options, ...hooks, watch, seed })));
      }
      bySeed.push(row);
    }
    return bySeed;
  });
  return arms.map((arm, i) => ({
    ...arm,
    name: detectorArmName(arm),
    ...joinSeeds(measured.map((row) => row[i]!)),
    paper: printedOf(arm),
    scale,
    seeds,
  }));
}

interface MeasureOptions
  extends
    Omit<AblateDetectorsOptions, "seeds">,
    Pick<TrainHooks, "signal" | "onWarning" | "onShipped"> {
  readonly seed: number;
  readonly watch: Watch;
}

/** Runs one arm with one seed: pre-training if it is missing, fine-tuning, evaluation. */
async function measure(
  name: string,
  config: DetectorConfig,
  { scale, seed, fresh, watch, signal, onWarning, onShipped }: MeasureOptions,
): Promise<DetectorScores> {
  const key = { scale, seed };
  const quiet = { signal, onWarning, onShipped };
  const loads = !fresh && statusOf(folderOf(detectorId({ config, ...key })))?.finished;
  const origin = originRun({ config, ...key })!;
  if (!loads && origin.of === "teacher" && !statusOf(runFolder(origin.key))?.finished) {
    const { config: backbone, ...own } = origin.key;
    await watch(
      `${name}, pre-training, seed ${seed}`,
      (hooks) => toItsEnd(pretrain, backbone, { ...own, ...quiet, ...hooks }),
    );
  }
  const train = (hooks: TrainHooks) =>
    toItsEnd(finetuneDetector, config, { ...key, ...quiet, ...hooks, fresh });
  await (loads ? train({}) : watch(`${name}, seed ${seed}`, train));
  return await evaluateDetector(config, { ...key, ...quiet, fresh });
}

/** Joins all seeds of one arm. */
function joinSeeds(scores: readonly DetectorScores[]) {
  const of = (region: "box" | "mask", metric: "ap" | "ap50" | "ap75") =>
    scores.map((score) => score[region].metrics[metric]);
  return {
    boxAp: of("box", "ap"),
    boxAp50: of("box", "ap50"),
    boxAp75: of("box", "ap75"),
    maskAp: of("mask", "ap"),
    maskAp50: of("mask", "ap50"),
    maskAp75: of("mask", "ap75"),
    runs: scores.map(({ run }) => run),
  };
}

function printedOf({ kernelSize, pretrained }: DetectorArm) {
  const row = table4.rows.find((row) =>
    row.arch === "BC-SSL-T" && row.epochs === 100 && row.kernelSize === kernelSize
  );
  return pretrained ? row : undefined;
}
