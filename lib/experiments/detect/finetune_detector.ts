/**
 * The verb `finetuneDetector`: trains a Mask R-CNN on a backbone, continues one that was stopped,
 * or loads a finished one.
 */
import { openDetectionData } from "lib/experiments/detect/detection_data.ts";
import {
  type DetectorConfig,
  detectorId,
  detectorRecipeAt,
} from "lib/experiments/detect/detector_config.ts";
import { sizesAt } from "lib/experiments/configs/config.ts";
import { detectorLearner } from "lib/experiments/detect/detector_learner.ts";
import { folderOf } from "lib/experiments/runs/run_folder.ts";
import { type TrainOptions, type TrainResult, trainRun } from "lib/experiments/runs/train_run.ts";

/**
 * Trains a detector to its end, continuing from what `outputs/` has, as `pretrain` does; a finished
 * one is loaded.
 *
 * Its monitor measures on val: `boxAp`, `boxAp50`, `maskAp`, …, fractions; the highest `boxAp`
 * decides the best checkpoint. Faults of the set are reported to `onWarning`.
 *
 * @throws {RangeError} If a loss is not finite; the last checkpoint stays.
 * @throws {Error} If the pre-trained run is not there; if the set has a fault and the config says
 *   that this stops it; if the disk refuses, or another process is writing the run.
 */
export async function finetuneDetector(
  config: DetectorConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { scale, seed } = options;
  const key = { config, scale, seed };
  const folder = folderOf(detectorId(key));
  const sizes = sizesAt(config, scale);
  const { name, data, pretrained, model } = config;
  const recipe = { ...detectorRecipeAt(config, scale), model: model.backbone };
  const warn = options.onWarning ?? console.warn;
  const run = {
    folder,
    description: { id: folder.id, scale, seed, name, data, pretrained, model, recipe, sizes },
    monitorEvery: sizes.monitorEvery,
    score: "boxAp",
    learner: async () => detectorLearner(key, await openDetectionData(data, sizes, warn), warn),
  } as const;
  return await trainRun(run, options);
}
