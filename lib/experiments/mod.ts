/**
 * The library for notebooks: configs, and the verbs that run them. Verbs return numbers and run
 * ids, never tensors.
 */
export { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
export { type ArmCams, armCams, camSubjects } from "lib/experiments/explain/arm_cams.ts";
export {
  type AnnotatedPicture,
  annotatedPictures,
} from "lib/experiments/detect/detection_pictures.ts";
export { type Arm, armConfig, type ArmData, armName } from "lib/experiments/configs/arms.ts";
export { type ArmCost, armCosts } from "lib/experiments/measure/arm_costs.ts";
export {
  type BaselineScores,
  baselineScores,
  type BaselineScoresOptions,
  type FeatureScores,
} from "lib/experiments/pretrain/baseline_scores.ts";
export {
  type CamRow,
  cams,
  type CamScoreRow,
  type CamSheet,
  type CamsOptions,
  type NamedGradCam,
  scoreCams,
  type ScoreCamsOptions,
} from "lib/experiments/explain/cams.ts";
export {
  chosenScale,
  override,
  type PretrainConfig,
  recipeAt,
  runId,
  type RunKey,
  type Scale,
  type ScaleName,
  scaleNames,
  sizesAt,
} from "lib/experiments/configs/config.ts";
export { bcSslEmoji, bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
export {
  type DataSplit,
  loadData,
  type LoadedSplit,
  openData,
} from "lib/experiments/configs/data.ts";
export {
  detectIn,
  type DetectInOptions,
  type FoundInPicture,
  type FoundObject,
} from "lib/experiments/detect/detect_in.ts";
export { type DetectionData, openDetectionData } from "lib/experiments/detect/detection_data.ts";
export {
  ablateDetectors,
  type AblateDetectorsOptions,
  type DetectorArm,
  detectorArmConfig,
  detectorArmName,
  type DetectorArmResult,
  type DetectorMetric,
  detectorMetrics,
} from "lib/experiments/detect/detector_arms.ts";
export {
  type BackboneOrigin,
  type DetectionDataConfig,
  type DetectorConfig,
  detectorId,
  type DetectorKey,
  type DetectorScale,
} from "lib/experiments/detect/detector_config.ts";
export {
  paperDetectors,
  sceneDetectorOn,
  sceneDetectors,
} from "lib/experiments/detect/detector_runs.ts";
export {
  type ClassScores,
  type DetectorScores,
  evaluateDetector,
  type EvaluateDetectorOptions,
  type PrecisionCurve,
  type RegionScores,
} from "lib/experiments/detect/evaluate_detector.ts";
export { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
export type { NetworkToExplain } from "lib/experiments/explain/explained.ts";
export { loadPictures } from "lib/datasets/pictures/picture_files.ts";
export { describeEngine } from "lib/experiments/runs/engine.ts";
export {
  type Baselines,
  baselines,
  knn,
  type KnnResult,
  type KnnVerbOptions,
} from "lib/experiments/measure/knn_scores.ts";
export { type KnnCourse, knnMonitor, type KnnPoint } from "lib/experiments/measure/knn_monitor.ts";
export {
  linearProbe,
  type LinearProbeResult,
  type LinearProbeVerbOptions,
  probeRates,
} from "lib/experiments/measure/linear_probe.ts";
export { type NearestImages, nearestImages } from "lib/experiments/measure/nearest_images.ts";
export { type LoadReport, loadWeights, saveWeights } from "lib/weights/weights.ts";
export { type PaperRun, paperRuns } from "lib/experiments/configs/paper_runs.ts";
export { pretrain } from "lib/experiments/pretrain/pretrain.ts";
export {
  type Pretrained,
  pretrained,
  type PretrainedOptions,
} from "lib/experiments/subjects/pretrained.ts";
export {
  pretrainedCatalogue,
  type PretrainedEntry,
  type PretrainedName,
} from "lib/experiments/subjects/pretrained_catalogue.ts";
export { type ModelCost, modelCosts } from "lib/experiments/measure/model_costs.ts";
export { runHistory, runs } from "lib/experiments/runs/registry.ts";
export {
  type FieldOfKernel,
  receptiveFields,
  trainedFields,
} from "lib/experiments/measure/receptive_fields.ts";
export {
  robustness,
  type RobustnessOptions,
  type RobustResult,
} from "lib/experiments/robustness/robustness.ts";
export type { ShiftedScores } from "lib/experiments/robustness/shifted_scores.ts";
export {
  type MeasuredSpeed,
  measureSpeeds,
  type MeasureSpeedsOptions,
} from "lib/experiments/measure/measure_speeds.ts";
export type { Subject } from "lib/experiments/subjects/subject.ts";
export { supervised } from "lib/experiments/pretrain/supervised.ts";
export {
  throughput,
  type ThroughputResult,
  type ThroughputVerbOptions,
} from "lib/experiments/measure/throughput.ts";
export { type KnnPlan, type KnnSize, measureKnnSpeed, planKnn } from "lib/eval/nearest/knn_plan.ts";
export type { TrainOptions, TrainResult } from "lib/experiments/runs/train_run.ts";
export { type TrainingCost, trainingCost } from "lib/experiments/configs/training_cost.ts";
export { type ExampleViews, exampleViews } from "lib/experiments/subjects/example_views.ts";
