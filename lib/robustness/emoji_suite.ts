/** Table 5's columns for emoji: what ImageNet-C, -R, -Sketch and -A are to ImageNet. */
import type { EmojiSets, ImageSet } from "lib/datasets/mod.ts";
import type { Classifier } from "lib/robustness/classifier.ts";
import type { CorruptedBatches } from "lib/robustness/corruption_error.ts";
import { corruptedImages } from "lib/robustness/corrupted_images.ts";
import type { CorruptionSeries } from "lib/robustness/corruptions/corruptions.ts";
import { hardExamples } from "lib/robustness/hard_examples.ts";

/** Labelled test sets, each another shift away from training. */
export interface EmojiSuite {
  /** Unseen drawings in seen styles: no shift. */
  readonly clean: ImageSet;
  /** Those, corrupted: ImageNet-C. */
  readonly corrupted: CorruptedBatches;
  /** Styles that training never saw: ImageNet-R. */
  readonly rendition: ImageSet;
  /** Drawings in one ink: ImageNet-Sketch. */
  readonly sketch: ImageSet;
  /**
   * Those of the clean ones that a ResNet misses by a margin: ImageNet-A.
   *
   * @param resNet Trained on the emoji for training.
   * @throws {RangeError} If it misses none.
   */
  adversarial(resNet: Classifier): Promise<ImageSet>;
}

/** From here on, in pixels a side, ImageNet-C's severities are not too much. */
const large = 128;

/**
 * The suite of some emoji; small ones are corrupted as CIFAR-10-C is. Each corruption is computed when it is first asked for, and
 * kept: 75 times the memory of `test` for the 15 of the mean corruption error.
 *
 * @param sets As `loadEmoji` gives them.
 * @param options.seed Of the corruptions.
 */
export function emojiSuite(
  { test, heldOut, monochrome }: Pick<EmojiSets, "test" | "heldOut" | "monochrome">,
  { seed = 0 }: { readonly seed?: number } = {},
): EmojiSuite {
  const series: CorruptionSeries = test.width < large ? "CIFAR-10-C" : "ImageNet-C";
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
