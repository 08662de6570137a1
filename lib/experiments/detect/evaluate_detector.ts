/**
 * The verb `evaluateDetector`: COCO's metrics of a trained detector, for boxes and masks, overall
 * and for each class.
 */
import {
  type CocoEvaluation,
  type CocoMetrics,
  evaluateDetections,
  precisionRecallCurve,
} from "lib/detect/score/coco_metrics.ts";
import type { Region } from "lib/detect/inference/detection.ts";
import { detectInSet } from "lib/detect/detect_in_set.ts";
import { iouThresholds } from "lib/detect/score/match_detections.ts";
import { recallLevels } from "lib/detect/score/precision_recall.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import { openDetectionData } from "lib/experiments/detect/detection_data.ts";
import {
  type DetectorConfig,
  type DetectorKey,
  shownAt,
} from "lib/experiments/detect/detector_config.ts";
import { sizesAt } from "lib/experiments/configs/config.ts";
import { faultsOf, numClassesOf } from "lib/experiments/detect/detector_learner.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import {
  type DetectorCheckpoint,
  findDetector,
  loadSavedDetector,
} from "lib/experiments/detect/saved_detector.ts";

/** Scores of one class. */
export interface ClassScores {
  /** Id of the class in the set. */
  readonly categoryId: number;
  /** Name of the class. */
  readonly name: string;
  /** Number of objects to be found. */
  readonly objects: number;
  /** Fractions; NaN where there is no object of that size. */
  readonly metrics: CocoMetrics;
}

/** Precision by recall at one overlap, mean over the classes. */
export interface PrecisionCurve {
  /** Overlap (IoU) that counts as a match: 0.5, 0.55, … 0.95. */
  readonly iou: number;
  /** Precision at each value of `recalls`. */
  readonly precision: readonly number[];
}

/** Scores of boxes, or of masks. */
export interface RegionScores {
  /** Means over the classes, fractions. */
  readonly metrics: CocoMetrics;
  /** Scores of each class. */
  readonly classes: readonly ClassScores[];
  /** The recalls 0, 0.01, … 1. */
  readonly recalls: readonly number[];
  /** One curve for each overlap that counts as a match. */
  readonly curves: readonly PrecisionCurve[];
}

/** Numbers only. */
export interface DetectorScores extends Pick<DetectorKey, "scale" | "seed"> {
  /** Id of the detector's run. */
  readonly run: string;
  /** Version of the weights: `step 2000`. */
  readonly version: string;
  /** Number of images measured. */
  readonly images: number;
  /** Scores of the boxes. */
  readonly box: RegionScores;
  /** Scores of the masks. */
  readonly mask: RegionScores;
}

/** Which detector to measure, and whether an earlier result will do. */
export interface EvaluateDetectorOptions
  extends Pick<DetectorKey, "scale" | "seed">, Pick<TrainHooks, "signal" | "onWarning"> {
  /** Checkpoint to evaluate; by default `last`. */
  readonly of?: DetectorCheckpoint;
  /** Whether to evaluate again although the run's folder has the result. */
  readonly fresh?: boolean;
}

/**
 * Measures a detector on val, or loads the result from `outputs/`.
 *
 * @throws {Error} If the run is not there, the set has a fault and the config says that this stops
 *   it, or `signal` was aborted.
 *
 * @example
 * ```ts
 * import {
 *   evaluateDetector,
 *   finetuneDetector,
 *   override,
 *   sceneDetectors,
 * } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * // Two steps on drawn scenes, from random weights; `pretrained` usually names a run.
 * const config = override(sceneDetectors[0]!, {
 *   name: "two_steps",
 *   pretrained: null,
 *   scales: { smoke: { trainCount: 4, valCount: 2, batchSize: 2, epochs: 1 } },
 * });
 * await finetuneDetector(config, { scale: "smoke", seed: 0 });
 * const { box, mask, images } = await evaluateDetector(config, { scale: "smoke", seed: 0 });
 * assertEquals(images, 2);
 * console.log(`AP of boxes ${box.metrics.ap}, of masks ${mask.metrics.ap}`);
 * ```
 */
export async function evaluateDetector(
  config: DetectorConfig,
  { scale, seed, of = "last", fresh = false, signal, onWarning = console.warn }:
    EvaluateDetectorOptions,
): Promise<DetectorScores> {
  const key = { config, scale, seed };
  const weights = findDetector(key, of);
  const { folder, version } = weights;
  return await evaluated(folder, { name: "detection", options: { version }, fresh }, async () => {
    const sizes = sizesAt(config, scale);
    const data = await openDetectionData(config.data, sizes, onWarning);
    const pause = interruptible(`the evaluation of ${folder.id}`, signal);
    using model = loadSavedDetector(key, weights, numClassesOf(data));
    const { batchSize } = sizes;
    const options = {
      ...shownAt(config, scale),
      batchSize,
      onFault: faultsOf(key),
      log: onWarning,
    };
    const { set, detections } = await detectInSet(model, data.val, options, pause);
    const measure = (region: Region) => scoresOf(evaluateDetections(set, detections, region));
    const images = set.images.length;
    return {
      run: folder.id,
      scale,
      seed,
      version,
      images,
      box: measure("box"),
      mask: measure("mask"),
    };
  });
}

function scoresOf({ metrics, classes }: CocoEvaluation): RegionScores {
  return {
    metrics,
    classes: classes.map(({ category: { id, name }, objects, metrics }) => ({
      categoryId: id,
      name,
      objects,
      metrics,
    })),
    recalls: [...recallLevels],
    curves: iouThresholds.map((iou) => ({
      iou,
      precision: [...precisionRecallCurve(classes, iou)],
    })),
  };
}
