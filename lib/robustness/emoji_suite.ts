/** Test sets for emoji that correspond to ImageNet-C, -R, -Sketch and -A, Table 5's columns. */
import type { EmojiSets, ImageSet } from "lib/datasets/mod.ts";
import type { Classifier } from "lib/robustness/classifier.ts";
import type { CorruptedBatches } from "lib/robustness/corruption_error.ts";
import { corruptedImages } from "lib/robustness/corrupted_images.ts";
import { seriesForSide } from "lib/robustness/corruptions/corruptions.ts";
import { hardExamples } from "lib/robustness/hard_examples.ts";

/** Labelled test sets, each shifted away from the training images in another way. */
export interface EmojiSuite {
  /** Unseen drawings in styles seen in training: no shift. */
  readonly clean: ImageSet;
  /** The clean images, corrupted, like ImageNet-C. */
  readonly corrupted: CorruptedBatches;
  /** Drawings in styles that training never saw, like ImageNet-R. */
  readonly rendition: ImageSet;
  /** Drawings in one colour, like ImageNet-Sketch. */
  readonly sketch: ImageSet;
  /**
   * The clean images that a ResNet misses by a margin, like ImageNet-A.
   *
   * @param resNet A ResNet trained on the emoji for training.
   * @throws {RangeError} If it misses none.
   */
  adversarial(resNet: Classifier): Promise<ImageSet>;
}

/**
 * Makes the suite for some emoji, corrupted with the severities for their size.
 *
 * Each corruption is computed when it is first needed, and kept: the 15 of the mean corruption
 * error take 75 times the memory of `test`.
 *
 * @param sets As `loadEmoji` returns them.
 * @param options.seed Seed of the corruptions.
 */
export function emojiSuite(
  { test, heldOut, monochrome }: Pick<EmojiSets, "test" | "heldOut" | "monochrome">,
  { seed = 0 }: { readonly seed?: number } = {},
): EmojiSuite {
  const series = seriesForSide(Math.min(test.width, test.height));
  const kept = new Map<string, ImageSet>();
  return {
    clean: test,
    async *corrupted(name, severity) {
      const key = `${name} ${severity}`;
      const images = kept.get(key) ?? await corruptedImages(test, { name, severity, series, seed });
      kept.set(key, images);
      yield images;
    },
    rendition: heldOut,
    sketch: monochrome,
    adversarial: (resNet) => hardExamples(test, resNet),
  };
}
