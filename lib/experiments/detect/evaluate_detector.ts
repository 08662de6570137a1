/** The verb `evaluateDetector`: COCO's numbers of a trained detector, of boxes and masks, and of each class. */
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
  detectorSizesAt,
  shownAt,
} from "lib/experiments/detect/detector_config.ts";
import { faultsOf, numClassesOf } from "lib/experiments/detect/detector_learner.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import {
  type DetectorCheckpoint,
  findDetector,
  loadSavedDetector,
} from "lib/experiments/detect/saved_detector.ts";

/** Numbers of one class. */
export interface ClassScores {
  readonly categoryId: number;
  readonly name: string;
  /** How many there are to be found. */
  readonly objects: number;
  /** Fractions; NaN where there is no such object. */
  readonly metrics: CocoMetrics;
}

/** A mean over the classes at one overlap. */
export interface PrecisionCurve {
  /** 0.5, 0.55 and so on to 0.95. */
  readonly iou: number;
  /** Precision at each of the recalls. */
  readonly precision: readonly number[];
}

/** Of boxes, or of masks. */
export interface RegionScores {
  /** Means over the classes, fractions. */
  readonly metrics: CocoMetrics;
  readonly classes: readonly ClassScores[];
  /** 0, 0.01 and so on to 1. */
  readonly recalls: readonly number[];
  readonly curves: readonly PrecisionCurve[];
}

/** Numbers only. */
export interface DetectorScores extends Pick<DetectorKey, "scale" | "seed"> {
  readonly run: string;
  /** Of the weights: `step 2000`. */
  readonly version: string;
  /** Images measured. */
  readonly images: number;
  readonly box: RegionScores;
  readonly mask: RegionScores;
}

export interface EvaluateDetectorOptions
  extends Pick<DetectorKey, "scale" | "seed">, Pick<TrainHooks, "signal" | "onWarning"> {
  /** By default `last`. */
  readonly of?: DetectorCheckpoint;
  /** Forget what is in the run's folder and evaluate again. */
  readonly fresh?: boolean;
}

/**
 * Measures a detector on val, or loads what `outputs/` has of it.
 *
 * @throws {Error} If the run is not there, the set has a fault and the config has that stop it, or `signal` was aborted.
 */
export async function evaluateDetector(
  config: DetectorConfig,
  { scale, seed, of = "last", fresh = false, signal, onWarning = console.warn }:
    EvaluateDetectorOptions,
): Promise<DetectorScores> {
  const key = { config, scale, seed };
  const found = findDetector(key, of);
  const { folder, version } = found;
  return await evaluated(folder, { name: "detection", options: { version }, fresh }, async () => {
    const sizes = detectorSizesAt(config, scale);
    const data = await openDetectionData(config.data, sizes, onWarning);
    const pause = interruptible(`the evaluation of ${folder.id}`, signal);
    using model = loadSavedDetector(key, found, numClassesOf(data));
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
