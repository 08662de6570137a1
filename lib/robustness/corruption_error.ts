/** ImageNet-C's metric (Hendrycks & Dietterich 2019, §4.1): the error on corrupted images. */
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import type { Classifier } from "lib/robustness/classifier.ts";
import {
  type CorruptionName,
  corruptionNames,
  severities,
  type Severity,
} from "lib/robustness/corruptions/severities.ts";
import { shiftedAccuracy } from "lib/robustness/shifted_accuracy.ts";

/** Errors of a network for each corruption, by severity; fractions. */
export type CorruptionErrors = Partial<Readonly<Record<CorruptionName, readonly number[]>>>;

/** Errors of a network for each corruption, mean over severities; fractions. */
export type MeanErrors = Partial<Readonly<Record<CorruptionName, number>>>;

/**
 * AlexNet's errors on ImageNet-C. Errors are divided by them, since some corruptions are harder
 * than others.
 */
export const alexNetErrors: Readonly<Record<typeof corruptionNames[number], number>> = {
  gaussian_noise: 0.886428,
  shot_noise: 0.894468,
  impulse_noise: 0.92264,
  defocus_blur: 0.81988,
  glass_blur: 0.826268,
  motion_blur: 0.785948,
  zoom_blur: 0.79836,
  snow: 0.866816,
  frost: 0.826572,
  fog: 0.819324,
  brightness: 0.564592,
  contrast: 0.853204,
  elastic_transform: 0.646056,
  pixelate: 0.71784,
  jpeg_compression: 0.6065,
};

/** Batches of a test set with a corruption: corrupted by us, or ImageNet-C's files. */
export type CorruptedBatches = (
  name: CorruptionName,
  severity: Severity,
) => AsyncIterable<ImageSet> | Iterable<ImageSet>;

export interface CorruptionErrorOptions {
  /** Corruptions to use; by default, the 15 of the mean corruption error. */
  readonly names?: readonly CorruptionName[];
  /** Called after each severity of each corruption. */
  readonly onProgress?: (name: CorruptionName, severity: Severity, error: number) => void;
}

/**
 * Classifies a test set with every corruption at every severity.
 *
 * @throws As `shiftedAccuracy`, and whatever `batches` throws.
 */
export async function corruptionErrors(
  batches: CorruptedBatches,
  classify: Classifier,
  { names = corruptionNames, onProgress }: CorruptionErrorOptions = {},
): Promise<CorruptionErrors> {
  const errors: Partial<Record<CorruptionName, readonly number[]>> = {};
  for (const name of names) {
    const own: number[] = [];
    for (const severity of severities) {
      const { all } = await shiftedAccuracy(batches(name, severity), classify);
      own.push(1 - all);
      onProgress?.(name, severity, 1 - all);
    }
    errors[name] = own;
  }
  return errors;
}

/**
 * Mean over the severities of each corruption, the form of a baseline of
 * {@linkcode meanCorruptionError}.
 *
 * @throws {RangeError} If a corruption has not five errors between 0 and 1.
 */
export function meanErrors(errors: CorruptionErrors): MeanErrors {
  return Object.fromEntries(
    Object.entries(errors).map(([name, own]) => {
      if (own.length !== severities.length || !own.every((error) => error >= 0 && error <= 1)) {
        throw new RangeError(`Cannot use the errors of ${name}: need five fractions, got ${own}`);
      }
      return [name, own.reduce((sum, error) => sum + error, 0) / own.length];
    }),
  );
}

/** Robustness of a network. */
export interface CorruptionScore {
  /** Error, mean over the 15 corruptions and their severities, a fraction. */
  readonly meanError: number;
  /**
   * Each corruption's error divided by the baseline's; below 1 means fewer errors than the
   * baseline.
   */
  readonly relative: Readonly<Record<typeof corruptionNames[number], number>>;
  /** Mean corruption error, mCE: the mean of `relative`. The paper prints it in percent. */
  readonly mce: number;
}

/**
 * Computes the mean corruption error: over the 15 corruptions, the mean of Σ errors / Σ the
 * baseline's errors.
 *
 * @param baseline {@linkcode alexNetErrors} for ImageNet; elsewhere the {@linkcode meanErrors} of a
 *   network that is named beside the number.
 * @throws {RangeError} If a corruption is missing on either side, or the baseline makes no error in
 *   one.
 */
export function meanCorruptionError(
  errors: CorruptionErrors,
  baseline: MeanErrors,
): CorruptionScore {
  const own = meanErrors(errors);
  const relative = Object.fromEntries(corruptionNames.map((name) => {
    const [error, of] = [own[name], baseline[name]];
    if (error === undefined || of === undefined) {
      const side = error === undefined ? "network" : "baseline";
      throw new RangeError(`Cannot take the mean corruption error: the ${side} has no ${name}`);
    }
    if (of > 0) return [name, error / of];
    throw new RangeError(
      `Cannot divide by the baseline's error in ${name}, which is ${of}: choose a weaker baseline`,
    );
  })) as CorruptionScore["relative"];
  const count = corruptionNames.length;
  return {
    meanError: corruptionNames.reduce((sum, name) => sum + own[name]!, 0) / count,
    relative,
    mce: corruptionNames.reduce((sum, name) => sum + relative[name], 0) / count,
  };
}
