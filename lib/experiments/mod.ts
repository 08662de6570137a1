/**
 * The library for notebooks: configs, and the verbs that run them. Verbs return numbers and run
 * ids, never tensors.
 */
export { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
export {
  type CompareOptions,
  type RunAccuracies,
  type Watch,
} from "lib/experiments/pretrain/compare_configs.ts";
export {
  compareMethods,
  type CompareMethodsOptions,
  type MethodResult,
} from "lib/experiments/pretrain/compare_methods.ts";
export {
  gainSettings,
  gainSettingsNamed,
  type SeedlessSetting,
} from "lib/experiments/pretrain/gain_settings.ts";
export {
  bestAgainstBest,
  deepMapSide,
  type GainSetting,
  type KernelGain,
  type KernelGainOptions,
  kernelGains,
  networkGains,
} from "lib/experiments/pretrain/kernel_gains.ts";
export {
  type ArmCams,
  armCams,
  type ArmCamsOptions,
  camSubjects,
} from "lib/experiments/explain/arm_cams.ts";
export {
  type ArmKernels,
  armKernels,
  type ArmKernelsOptions,
} from "lib/experiments/explain/arm_kernels.ts";
export type { DepthwiseKernels, PatchFeatures } from "lib/explain/mod.ts";
export { type ImageFeatures, imageFeatures } from "lib/experiments/explain/image_features.ts";
export {
  type PatchMap,
  patchMaps,
  type PatchMapsOptions,
} from "lib/experiments/explain/patch_maps.ts";
export {
  type AnnotatedPicture,
  annotatedPictures,
} from "lib/experiments/detect/detection_pictures.ts";
export {
  type Arm,
  armConfig,
  type ArmData,
  armData,
  armGeometries,
  type ArmGeometry,
  armName,
  type ArmOptions,
} from "lib/experiments/configs/arms.ts";
export {
  type MethodArmOptions,
  methodConfig,
  type MethodName,
  methodNames,
  methodTitle,
  printedOfMethod,
} from "lib/experiments/configs/method_arms.ts";
export { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
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
  type DataConfig,
  type Key,
  type Override,
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
export { byolStart } from "lib/experiments/configs/method_runs.ts";
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
export type {
  ModelToExplain,
  NamedNetwork,
  NetworkToExplain,
  RunToExplain,
} from "lib/experiments/explain/explained.ts";
export {
  type ArmTransfer,
  compareTransfer,
  type CompareTransferOptions,
  type SetScores,
} from "lib/experiments/transfer/compare_transfer.ts";
export {
  type LabelCurve,
  labelCurve,
  type LabelCurveOptions,
  type LabelPoint,
  type LabelWay,
  labelWays,
} from "lib/experiments/transfer/label_curve.ts";
export {
  transfer,
  type TransferOptions,
  type TransferProtocol,
  type TransferResult,
} from "lib/experiments/transfer/transfer.ts";
export {
  type TransferPictures,
  transferPictures,
} from "lib/experiments/transfer/transfer_pictures.ts";
export { type TransferName, transferSuites } from "lib/experiments/transfer/transfer_data.ts";
export {
  type LaptopSet,
  type LaptopSetName,
  type LaptopSetOptions,
  laptopSets,
  type PartSizes,
  type TransferMetric,
  type TransferParts,
  type TransferSet,
  type TransferSetName,
  transferSets,
} from "lib/datasets/mod.ts";
export { loadPictures } from "lib/datasets/pictures/picture_files.ts";
export {
  type FeatureQuality,
  featureQuality,
  type FeatureQualityOptions,
} from "lib/experiments/measure/feature_quality.ts";
export { describeEngine } from "lib/experiments/runs/environment.ts";
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
export {
  type NearestImages,
  nearestImages,
  type NearestImagesOptions,
} from "lib/experiments/measure/nearest_images.ts";
export {
  type LoadReport,
  loadWeights,
  type LoadWeightsOptions,
  type Misshapen,
  saveWeights,
  type SaveWeightsOptions,
  type WeightsTarget,
} from "lib/weights/weights.ts";
export { type PaperRun, paperRuns } from "lib/experiments/configs/paper_runs.ts";
export { type EsvitRun, esvitRuns } from "lib/experiments/configs/esvit_runs.ts";
export { mobyRuns } from "lib/experiments/configs/moby_runs.ts";
export { mocoV3Runs } from "lib/experiments/configs/mocov3_runs.ts";
export { deepClusterRuns } from "lib/experiments/configs/deepcluster_runs.ts";
export { simclrRuns } from "lib/experiments/configs/simclr_runs.ts";
export { swavRuns } from "lib/experiments/configs/swav_runs.ts";
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
export {
  type NamedConfig,
  type QualityScore,
  qualityScores,
  type QualityScoresOptions,
} from "lib/experiments/measure/quality_scores.ts";
export { type DataFrame, runHistory, runs } from "lib/experiments/runs/registry.ts";
export { type FieldOfKernel, receptiveFields } from "lib/experiments/measure/receptive_fields.ts";
export { type FieldAtMoment, growingFields } from "lib/experiments/explain/growing_fields.ts";
export {
  type FieldOfWeights,
  fieldShares,
  type TrainedField,
  trainedFields,
  type TrainedFieldsOptions,
} from "lib/experiments/explain/trained_fields.ts";
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
export { pairArms, study, type StudyOptions, type StudyResults } from "lib/experiments/study.ts";
export { snapshots, type TrainingMoment } from "lib/experiments/subjects/snapshots.ts";
export type { Subject, SubjectOrPixels } from "lib/experiments/subjects/subject.ts";
export { supervised } from "lib/experiments/pretrain/supervised.ts";
export {
  throughput,
  type ThroughputResult,
  type ThroughputVerbOptions,
} from "lib/experiments/measure/throughput.ts";
export {
  type KnnMemory,
  type KnnPlan,
  type KnnSize,
  type KnnSpeed,
  measureKnnSpeed,
  planKnn,
} from "lib/eval/nearest/knn_plan.ts";
export type { TrainOptions, TrainResult } from "lib/experiments/runs/train_run.ts";
export { type TrainingCost, trainingCost } from "lib/experiments/measure/training_cost.ts";
export { type ExampleViews, exampleViews } from "lib/experiments/subjects/example_views.ts";

// Types of what the verbs take and return, from the rooms that they are made in.
export type { ChannelStats, JitterStrength, Raster } from "lib/augment/mod.ts";
export type {
  CocoAnnotation,
  CocoCategory,
  CocoImage,
  CocoSet,
  Segmentation,
} from "lib/datasets/coco/coco_set.ts";
export type { CocoBox, Rle } from "lib/datasets/coco/rle.ts";
export type { Digest, DownloadOptions, Expected } from "lib/datasets/files/download.ts";
export type { ImageSet } from "lib/datasets/pictures/images.ts";
export type {
  ImageSource,
  PicturePlace,
  StoredImages,
} from "lib/datasets/pictures/stored_images.ts";
export type { StringTable } from "lib/datasets/pictures/string_table.ts";
export type { AnchorShapes } from "lib/detect/boxes/anchors.ts";
export type {
  BoxHeadConfig,
  DetectionsConfig,
  MaskHeadConfig,
  MaskRcnnConfig,
  ProposalCounts,
  RegionConfig,
  RpnConfig,
  SampleConfig,
} from "lib/detect/boxes/mask_rcnn_config.ts";
export type { MatchRule } from "lib/detect/boxes/match_boxes.ts";
export type { RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
export { type CocoMetrics, metricNames as cocoMetricNames } from "lib/detect/score/coco_metrics.ts";
export type { Packing, World } from "lib/distributed/world.ts";
export type { DetectionAugmentation, ResizeOptions } from "lib/detect/training/augment.ts";
export type { DetectorRecipe } from "lib/detect/training/detector_recipe.ts";
export type { ProbeFeatureOptions } from "lib/eval/features/probe_features.ts";
export type { Throughput, ThroughputOptions } from "lib/eval/images_per_second.ts";
export type { KnnAccuracy } from "lib/eval/nearest/knn.ts";
export type { Accuracy } from "lib/eval/nearest/rank.ts";
export type {
  LinearProbeOptions,
  ProbeCourse,
  ProbeEpoch,
} from "lib/eval/probe/train_linear_probe.ts";
export type { RecipeAnyScale, ScaledConfig } from "lib/experiments/configs/config_types.ts";
export type { DetectorCheckpoint } from "lib/experiments/detect/saved_detector.ts";
export type { CamDepth, CamScores, ContributionMap, GradCam, Heatmap } from "lib/explain/mod.ts";
export type { PrintedRow } from "lib/paper/printed.ts";
export type { Table3Row } from "lib/paper/table3.ts";
export type { Table5Row } from "lib/paper/table5.ts";
export {
  type CorruptionErrors,
  type CorruptionName,
  corruptionNames,
  extraCorruptionNames,
  type ShiftedAccuracy,
} from "lib/robustness/mod.ts";
export type { HistoryLine, TrainEvent, TrainHooks } from "lib/runs/events.ts";
export type { ShippedOrigin } from "lib/runs/shipped_origin.ts";
export type { Speed } from "lib/runs/speed_meter.ts";
export type { ByolHeadConfig, ByolRecipe } from "lib/ssl/byol/recipe.ts";
export type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";
export type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
export type { EsvitRecipe } from "lib/ssl/esvit/recipe.ts";
export type { IGptHeadConfig, IGptRecipe } from "lib/ssl/igpt/recipe.ts";
export type { DistillationRecipe } from "lib/ssl/distillation/recipe.ts";
export type { CommonRecipe } from "lib/ssl/method/recipe.ts";
export type { Recipe } from "lib/ssl/methods.ts";
export type { MobyHeadConfig, MobyRecipe } from "lib/ssl/moby/recipe.ts";
export type { MocoV3HeadConfig, MocoV3Recipe } from "lib/ssl/mocov3/recipe.ts";
export type { SimclrHeadConfig, SimclrRecipe } from "lib/ssl/simclr/recipe.ts";
export type { EmbeddingHeadConfig } from "lib/ssl/method/embedding_network.ts";
export type { DeepClusterHeadConfig, DeepClusterRecipe } from "lib/ssl/deepcluster/recipe.ts";
export type { SwavHeadConfig, SwavRecipe } from "lib/ssl/swav/recipe.ts";
export type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
export type { MeanAndError } from "lib/stats/statistics.ts";
export { type OptimizerName, optimizerNames } from "lib/train/optimizer_names.ts";
export type { OfficialNames } from "lib/weights/weight_names.ts";
