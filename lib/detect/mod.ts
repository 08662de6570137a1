/** Object detection: finding objects in pictures, and measuring it as COCO does. */
export {
  type ClassEvaluation,
  type CocoEvaluation,
  type CocoMetrics,
  evaluateDetections,
  metricNames,
  precisionRecallCurve,
} from "lib/detect/score/coco_metrics.ts";
export {
  detect,
  findInstances,
  type FoundInstances,
  type ShownImage,
} from "lib/detect/inference/detect.ts";
export { type Detection, type Region, resultsJson } from "lib/detect/inference/detection.ts";
export {
  createMaskRcnn,
  type DetectionBatch,
  type MaskRcnn,
  type MaskRcnnLosses,
  maskRcnnLosses,
} from "lib/detect/network/mask_rcnn.ts";
export {
  convNeXtMaskRcnn,
  type MaskRcnnConfig,
  torchvisionMaskRcnn,
} from "lib/detect/boxes/mask_rcnn_config.ts";
export { iouThresholds } from "lib/detect/score/match_detections.ts";
export { recallLevels } from "lib/detect/score/precision_recall.ts";
export type { DetectionTargets, ImageSize } from "lib/detect/boxes/targets.ts";
