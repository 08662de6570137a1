/** What a notebook calls: configs, and the verbs that run them. Verbs return numbers and run ids, never tensors. */
export { ablate, type AblateOptions, type ArmResult } from "lib/experiments/ablate.ts";
export { type ArmCams, armCams, camSubjects } from "lib/experiments/arm_cams.ts";
export { type AnnotatedPicture, annotatedPictures } from "lib/experiments/annotated_pictures.ts";
export { type Arm, armConfig, type ArmData, armName } from "lib/experiments/arms.ts";
export { type ArmCost, armCosts } from "lib/experiments/arm_costs.ts";
export {
  type BaselineScores,
  baselineScores,
  type BaselineScoresOptions,
  type FeatureScores,
} from "lib/experiments/baseline_scores.ts";
export {
  type CamRow,
  cams,
  type CamScoreRow,
  type CamSheet,
  type CamsOptions,
  type NamedGradCam,
  scoreCams,
  type ScoreCamsOptions,
} from "lib/experiments/cams.ts";
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
} from "lib/experiments/config.ts";
export { bcSslEmoji, bcSslStart } from "lib/experiments/configs.ts";
export { type DataSplit, loadData, type LoadedSplit, openData } from "lib/experiments/data.ts";
export {
  detectIn,
  type DetectInOptions,
  type FoundInPicture,
  type FoundObject,
} from "lib/experiments/detect_in.ts";
export { type DetectionData, openDetectionData } from "lib/experiments/detection_data.ts";
export {
  ablateDetectors,
  type AblateDetectorsOptions,
  type DetectorArm,
  detectorArmConfig,
  detectorArmName,
  type DetectorArmResult,
  type DetectorMetric,
  detectorMetrics,
} from "lib/experiments/detector_arms.ts";
export {
  type BackboneOrigin,
  type DetectionDataConfig,
  type DetectorConfig,
  detectorId,
  type DetectorKey,
  type DetectorScale,
} from "lib/experiments/detector_config.ts";
export {
  paperDetectors,
  sceneDetectorOn,
  sceneDetectors,
} from "lib/experiments/detector_configs.ts";
export {
  type ClassScores,
  type DetectorScores,
  evaluateDetector,
  type EvaluateDetectorOptions,
  type PrecisionCurve,
  type RegionScores,
} from "lib/experiments/evaluate_detector.ts";
export { finetuneDetector } from "lib/experiments/finetune_detector.ts";
export type { CamSubject } from "lib/experiments/explained.ts";
export { loadPictures } from "lib/datasets/picture_files.ts";
export { describeEngine } from "lib/experiments/engine.ts";
export {
  type Baselines,
  baselines,
  knn,
  type KnnResult,
  type KnnVerbOptions,
} from "lib/experiments/knn.ts";
export { type KnnCourse, knnMonitor, type KnnPoint } from "lib/experiments/knn_monitor.ts";
export {
  linearProbe,
  type LinearProbeResult,
  type LinearProbeVerbOptions,
  probeRates,
} from "lib/experiments/linear_probe.ts";
export { type NearestImages, nearestImages } from "lib/experiments/neighbours.ts";
export { type LoadReport, loadWeights, saveWeights } from "lib/train/weights.ts";
export { type PaperRun, paperRuns } from "lib/experiments/paper_runs.ts";
export { pretrain } from "lib/experiments/pretrain.ts";
export { type Pretrained, pretrained, type PretrainedOptions } from "lib/experiments/pretrained.ts";
export {
  pretrainedCatalogue,
  type PretrainedEntry,
  type PretrainedName,
} from "lib/experiments/pretrained_catalogue.ts";
export { type ModelCost, modelCosts } from "lib/experiments/model_costs.ts";
export { runHistory, runs } from "lib/experiments/registry.ts";
export {
  type FieldOfKernel,
  receptiveFields,
  trainedFields,
} from "lib/experiments/receptive_fields.ts";
export {
  robustness,
  type RobustnessOptions,
  type RobustResult,
} from "lib/experiments/robustness.ts";
export type { ShiftedScores } from "lib/experiments/shifted_scores.ts";
export {
  type MeasuredSpeed,
  measureSpeeds,
  type MeasureSpeedsOptions,
} from "lib/experiments/speeds.ts";
export type { Subject } from "lib/experiments/subject.ts";
export { supervised } from "lib/experiments/supervised.ts";
export {
  throughput,
  type ThroughputResult,
  type ThroughputVerbOptions,
} from "lib/experiments/throughput.ts";
export { type KnnPlan, type KnnSize, measureKnnSpeed, planKnn } from "lib/eval/knn_plan.ts";
export type { TrainOptions, TrainResult } from "lib/experiments/train_run.ts";
export { type TrainingCost, trainingCost } from "lib/experiments/training_cost.ts";
export { type ExampleViews, exampleViews } from "lib/experiments/views.ts";
