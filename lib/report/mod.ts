/** What a notebook shows: live progress, figures, tables, grids of images. Importing it mends the kernel's output. */
export {
  armFigure,
  type ArmMetric,
  armTable,
  batchNormGains,
  lastAndBest,
  monitorCurves,
} from "lib/report/arms.ts";
export { armCamTable, camClaims } from "lib/report/arm_cams.ts";
export { baselineFigure, type BaselineRow, versusBaselines } from "lib/report/baselines.ts";
export { blockDiagram, type DrawnBlock } from "lib/report/block_diagram.ts";
export { type CamSheetOptions, camSheetPng, showCams } from "lib/report/cam_sheet.ts";
export { camScoreTable, hotAreaFigure } from "lib/report/cam_scores.ts";
export type { ColourMap } from "lib/report/colour_maps.ts";
export { type ArmClaim, testClaims } from "lib/report/claim_tests.ts";
export {
  compare,
  type Measurement,
  type TestedClaim,
  verdict,
  verdicts,
} from "lib/report/compare.ts";
export { equals, exceeds, type Finding, rises, type Verdict } from "lib/eval/verdicts.ts";
export {
  detectionSheet,
  type DetectionSheetOptions,
  type DrawnObject,
  type DrawnPicture,
  showDetections,
} from "lib/report/detection_sheet.ts";
export { detectorClaims, detectorFigure, detectorTable } from "lib/report/detectors.ts";
export { overlayHeatmap } from "lib/report/heatmap_overlay.ts";
export {
  type GridImages,
  imageGrid,
  type ImageGridOptions,
  imageGridPng,
} from "lib/report/image_grid.ts";
export { inNotebook, print, settle, show, type ShowOptions } from "lib/report/kernel.ts";
export { type KernelArm, kernelSizeFigure } from "lib/report/kernel_size_figure.ts";
export type { MimeBundle } from "lib/report/outbox.ts";
export { type MonitorCurve, monitorFigure } from "lib/report/monitor_figure.ts";
export { axisLabel, categorical, colours, type Figure, gridOf, plot } from "lib/report/plot.ts";
export { costTable, moduleTable } from "lib/report/model_tables.ts";
export { scoreFigure, type ScoreRow, scoreTable } from "lib/report/feature_scores.ts";
export { paperTable } from "lib/report/paper_tables.ts";
export { contributionImages, receptiveFieldFigure } from "lib/report/receptive_field.ts";
export { robustClaims } from "lib/report/robust_claims.ts";
export {
  corruptionFigure,
  robustFigure,
  type RobustMetric,
  robustTable,
} from "lib/report/robustness.ts";
export { saveFigure, saveImage } from "lib/report/save_figure.ts";
export { saveTable, showTable } from "lib/report/save_table.ts";
export { paperSpeeds, type SpeedPoint, throughputFigure } from "lib/report/throughput_figure.ts";
export { type CurveRun, trainingCurves } from "lib/report/training_curves.ts";
export { watch } from "lib/report/watch.ts";
