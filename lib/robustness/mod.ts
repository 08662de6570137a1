/** Robustness: corruptions of images, and what networks make of them. */
export {
  corrupt,
  type CorruptionName,
  corruptionNames,
  extraCorruptionNames,
  severities,
  type Severity,
} from "lib/robustness/corruptions.ts";
