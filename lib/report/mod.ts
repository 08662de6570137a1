/**
 * What notebooks show: live progress, figures, tables, grids of images. Importing it also repairs
 * the kernel's output.
 */
export {
  armFigure,
  type ArmMetric,
  armTable,
  batchNormGains,
  lastAndBest,
  monitorCurves,
} from "lib/report/results/ablation.ts";
export { armCamTable, camClaims } from "lib/report/results/cam_results.ts";
export { baselineFigure, type BaselineRow, versusBaselines } from "lib/report/results/baselines.ts";
export { gainCurves } from "lib/report/figures/gain_curves.ts";
export {
  gainFigure,
  type GainFigureOptions,
  type GainScore,
} from "lib/report/figures/gain_figure.ts";
export { gainClaims, gainTable } from "lib/report/results/gain_results.ts";
export { networkFigure } from "lib/report/figures/network_figure.ts";
export { blockDiagram, type DrawnBlock } from "lib/report/draw/block_diagram.ts";
export { diagramNames, methodDiagram } from "lib/report/draw/method_diagram.ts";
export type { DiagramName } from "lib/report/draw/method_drawings.ts";
export {
  camFrames,
  type CamSheetOptions,
  camSheetPng,
  showCams,
} from "lib/report/sheets/cam_sheet.ts";
export {
  patchColoursPng,
  type PatchPlace,
  type PatchSheet,
  patchSimilarityPng,
} from "lib/report/sheets/patch_sheet.ts";
export { growthFrames, type GrowthSheet } from "lib/report/sheets/growth_frames.ts";
export { similarPatches } from "lib/report/sheets/similar_patches.ts";
export { type KernelSheetOptions, kernelSheetPng } from "lib/report/sheets/kernel_sheet.ts";
export { classSimilarityPng, classSimilarityTable } from "lib/report/sheets/similarity_sheet.ts";
export { type ImageMapOptions, imageMapPng } from "lib/report/sheets/image_map.ts";
export { imageMap } from "lib/report/sheets/pointed_map.ts";
export {
  type CourseLength,
  courseMap,
  type CoursePart,
  courseParts,
  coursePlan,
} from "lib/report/figures/course.ts";
export { exercise, type ExerciseAnswer } from "lib/report/exercises/exercise.ts";
export { kernelFrequencyFigure, kernelTable } from "lib/report/figures/kernel_numbers.ts";
export { camScoreTable, hotAreaFigure } from "lib/report/figures/cam_scores.ts";
export type { ColourMap } from "lib/report/draw/colour_maps.ts";
export { type ArmClaim, armClaimTests, testClaims } from "lib/report/results/claim_tests.ts";
export {
  type ClaimGroup,
  claimGroups,
  type ClaimName,
  type EffectKind,
  type GroupName,
  ownClaims,
} from "lib/report/results/claim_registry.ts";
export {
  type ClaimOverview,
  claimOverview,
  overviewFigure,
  type OverviewRow,
  overviewTable,
  type StudiedClaim,
  untestedClaims,
  verdictCounts,
} from "lib/report/results/claim_overview.ts";
export { compare, type Measurement, verdict } from "lib/report/results/compare.ts";
export { peakClaims } from "lib/report/results/peak_claims.ts";
export type { TestedClaim } from "lib/report/results/tested_claim.ts";
export { verdicts } from "lib/report/results/verdict_table.ts";
export { holm } from "lib/stats/holm.ts";
export {
  equals,
  exceeds,
  rises,
  type SignificanceOptions,
  type TestResult,
  type Verdict,
} from "lib/stats/verdicts.ts";
export {
  detectionSheet,
  type DetectionSheetOptions,
  type DrawnObject,
  type DrawnPicture,
  showDetections,
} from "lib/report/sheets/detection_sheet.ts";
export {
  detectorClaims,
  detectorFigure,
  detectorTable,
} from "lib/report/results/detector_results.ts";
export { overlayHeatmap } from "lib/report/draw/heatmap_overlay.ts";
export {
  type GridImages,
  imageGrid,
  type ImageGridOptions,
  imageGridPng,
} from "lib/report/draw/image_grid.ts";
export { inNotebook, print, settle, show, type ShowOptions } from "lib/report/notebook/jupyter.ts";
export {
  type ForestEffect,
  forestFigure,
  type ForestPanel,
  type ForestRow,
} from "lib/report/figures/forest_figure.ts";
export { type KernelArm, kernelSizeFigure } from "lib/report/figures/kernel_size_figure.ts";
export type { DisplayData } from "lib/report/notebook/outbox.ts";
export { type MonitorCurve, monitorFigure } from "lib/report/figures/monitor_figure.ts";
export {
  axisLabel,
  categorical,
  colours,
  type Figure,
  gridOf,
  plot,
  type PlotOptions,
  type ScaleOptions,
} from "lib/report/draw/plot.ts";
export { collapseTable, type NamedRun } from "lib/report/tables/collapse_table.ts";
export { costTable, moduleTable } from "lib/report/tables/model_tables.ts";
export {
  methodClaims,
  methodFigure,
  type MethodGain,
  methodTable,
} from "lib/report/results/method_results.ts";
export { labelFigure, labelTable } from "lib/report/transfer/label_results.ts";
export {
  criticalDifferenceFigure,
  transferClaims,
  transferRanks,
  transferTable,
} from "lib/report/transfer/transfer_results.ts";
export { qualityFigure, qualityTable } from "lib/report/results/quality_results.ts";
export { scoreFigure, type ScoreRow, scoreTable } from "lib/report/results/feature_scores.ts";
export {
  bestMoment,
  fieldGrowth,
  kernelMeans,
  meansOf,
  monitorMeans,
  ranked,
  type Scored,
} from "lib/report/interactive/answers.ts";
export {
  exampleKernels,
  kernelWalk,
  type NamedKernel,
} from "lib/report/interactive/kernel_walk.ts";
export { neighbourFrames } from "lib/report/interactive/neighbour_frames.ts";
export { monitorFrames } from "lib/report/figures/monitor_frames.ts";
export { slider, type SliderFrame, type SliderOptions } from "lib/report/interactive/slider.ts";
export { predict, reveal } from "lib/report/interactive/predict.ts";
export type {
  AnswerTo,
  CurveQuestion,
  DrawnPoint,
  NamedQuestion,
  Question,
  RangeQuestion,
} from "lib/report/interactive/question.ts";
export { paperTable } from "lib/report/tables/paper_tables.ts";
export {
  contributionFrames,
  contributionImages,
  receptiveFieldFigure,
} from "lib/report/figures/receptive_field.ts";
export type { SeedOrigin } from "lib/report/figures/seed_points.ts";
export {
  fieldFrames,
  trainedFieldFigure,
  trainedFieldTable,
} from "lib/report/results/trained_field_results.ts";
export { robustClaims } from "lib/report/results/robust_claims.ts";
export {
  corruptionFigure,
  robustFigure,
  type RobustMetric,
  robustTable,
} from "lib/report/results/robustness_results.ts";
export { saveFigure, saveImage } from "lib/report/save/save_figure.ts";
export type { Table, TableSource } from "lib/report/tables/table_formats.ts";
export { showRuns, type ShowRunsOptions } from "lib/report/browser/show_runs.ts";
export { saveTable, showTable } from "lib/report/save/save_table.ts";
export {
  paperSpeeds,
  type SpeedPoint,
  throughputFigure,
} from "lib/report/figures/throughput_figure.ts";
export { type CurveRun, trainingCurves } from "lib/report/figures/training_curves.ts";
export { watch } from "lib/report/watch.ts";
export { type Claim, claims } from "lib/paper/mod.ts";
