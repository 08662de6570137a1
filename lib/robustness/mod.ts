/** Robustness: corruptions of images, and accuracy on them and on other shifted sets. */
export {
  type Classifier,
  networkClassifier,
  type NetworkClassifierOptions,
} from "lib/robustness/classifier.ts";
export {
  corruptedBatches,
  type CorruptedBatchesOptions,
  corruptedImages,
  type CorruptionOptions,
  corruptionSheet,
  imageNetCBatches,
} from "lib/robustness/corrupted_images.ts";
export {
  alexNetErrors,
  type CorruptedBatches,
  type CorruptionErrorOptions,
  type CorruptionErrors,
  corruptionErrors,
  type CorruptionScore,
  meanCorruptionError,
  type MeanErrors,
  meanErrors,
} from "lib/robustness/corruption_error.ts";
export {
  corrupt,
  type CorruptionSeries,
  seriesForSide,
} from "lib/robustness/corruptions/corruptions.ts";
export { type EmojiSuite, emojiSuite } from "lib/robustness/emoji_suite.ts";
export { hardExamples } from "lib/robustness/hard_examples.ts";
export {
  type CorruptionName,
  corruptionNames,
  extraCorruptionNames,
  severities,
  type Severity,
} from "lib/robustness/corruptions/severities.ts";
export {
  isNearChance,
  largestClassShare,
  type ShiftedAccuracy,
  shiftedAccuracy,
  type ShiftedAccuracyOptions,
} from "lib/robustness/shifted_accuracy.ts";
