/** Table 5's columns for emoji: what ImageNet-C, -R, -Sketch and -A are to ImageNet. */
import type { EmojiSets, ImageSet } from "lib/datasets/mod.ts";
import type { Classifier } from "lib/robustness/classifier.ts";
import type { CorruptedBatches } from "lib/robustness/corruption_error.ts";
import { corruptedBatches } from "lib/robustness/corrupted_images.ts";
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
  /** Those of the clean ones that a ResNet misses by a margin: ImageNet-A. */
  readonly adversarial: ImageSet;
}

/**
 * The suite of some emoji.
 *
 * @param sets As `loadEmoji` gives them.
 * @param resNet Trained on `sets.train`, and none of those to be tested: it chooses the hard ones.
 * @param options.seed Of the corruptions.
 * @throws {RangeError} If the ResNet misses none by a margin.
 */
export async function emojiSuite(
  { test, heldOut, monochrome }: EmojiSets,
  resNet: Classifier,
  { seed = 0 }: { readonly seed?: number } = {},
): Promise<EmojiSuite> {
  return {
    clean: test,
    corrupted: corruptedBatches(test, { size: test.width, seed }),
    rendition: heldOut,
    sketch: monochrome,
    adversarial: await hardExamples(test, resNet),
  };
}
