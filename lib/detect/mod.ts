/** Detection: what is found in a picture, and how well, as COCO measures it. */
export {
  type ClassEvaluation,
  type CocoEvaluation,
  type CocoMetrics,
  evaluateDetections,
  metricNames,
  precisionRecallCurve,
} from "lib/detect/coco_metrics.ts";
export { type Detection, type Region, resultsJson } from "lib/detect/detection.ts";
export { iouThresholds } from "lib/detect/match_detections.ts";
export { recallLevels } from "lib/detect/precision_recall.ts";
