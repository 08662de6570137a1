/** What the readers of small labelled sets return. */
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";

/** The parts of a set as they were published, or as the set's reader says. */
export interface TransferParts {
  /** For training. */
  readonly train: ImageSource;
  /** Absent where a set has none. ELEVATER does not use it, even where there is one. */
  readonly val?: ImageSource;
  /** For the test. */
  readonly test: ImageSource;
  /**
   * Of a set whose pictures have several classes each, the `[N, C]` truth of each part, row by row:
   * 1 the class is there, −1 it is not, 0 it is there but too hard to see to be counted. The
   * pictures' own labels are then −1.
   */
  readonly multiLabels?: Readonly<Record<"train" | "val" | "test", Int8Array>>;
}

/**
 * How a set is scored: the share of right answers, its mean over classes, the area under the ROC
 * curve, or the mean over classes of the 11-point average precision. See `lib/eval/transfer`.
 */
export type TransferMetric = "accuracy" | "meanPerClass" | "rocAuc" | "map11";

/** The number of pictures in each part. */
export interface PartSizes {
  /** For training. */
  readonly train: number;
  /** For validation, if there are any. */
  readonly val?: number;
  /** For the test. */
  readonly test: number;
}
