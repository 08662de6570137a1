/** Image sets for the verb `robustness`: Table 5's, or their counterparts among emoji. */
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import {
  imageNetAClasses,
  imageNetRClasses,
  type ImageSource,
  loadEmoji,
  openImageNetA,
  openImageNetR,
  openImageNetSketch,
} from "lib/datasets/mod.ts";
import {
  type Classifier,
  type CorruptedBatches,
  emojiSuite,
  imageNetCBatches,
} from "lib/robustness/mod.ts";
import {
  type PretrainConfig,
  recipeAt,
  type ScaleName,
  sizesAt,
} from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";

/** Labelled images that differ from the training images, each set in another way. */
export interface ShiftedSets {
  /** Images like the training images. */
  readonly clean: ImageSource;
  readonly corrupted: CorruptedBatches;
  readonly sketch: ImageSource;
  readonly rendition: ShiftedSet;
  /**
   * Opens the adversarial images.
   *
   * @param resNet For emoji: the classifier that chooses them. ImageNet-A is fixed.
   * @throws {RangeError} If the classifier misses no image by a margin, or is needed and not given.
   */
  adversarial(resNet?: Classifier): Promise<ShiftedSet>;
}

/** A set, perhaps of only some of the network's classes. */
export interface ShiftedSet {
  readonly images: ImageSource;
  /** Indices of its classes; by default all. */
  readonly among?: readonly number[];
}

/**
 * Opens the sets for an experiment's data. For emoji they are those of `emojiSuite`, made from the
 * test images of the runs; for ImageNet its own test sets, each in its folder of `data/`, such as
 * `imagenet-c`.
 *
 * @throws {Error} If one of ImageNet's sets is missing; the message says what to unpack where.
 * @throws {RangeError} If the data are others.
 */
export async function openShiftedSets(
  config: PretrainConfig,
  scale: ScaleName,
): Promise<ShiftedSets> {
  const { data } = config;
  if (data.kind === "emoji") return await emojiSets(config, scale);
  if (data.kind === "imagenet") return await imageNetSets(config, scale);
  throw new RangeError(
    `Cannot test robustness on "${data.kind}": only emoji and ImageNet have other styles and sketches`,
  );
}

type EmojiData = PretrainConfig["data"] & { readonly kind: "emoji" };

async function emojiSets(config: PretrainConfig, scale: ScaleName): Promise<ShiftedSets> {
  const { imageSize: size, testCount } = sizesAt(config, scale);
  const { labels, background } = config.data as EmojiData;
  const sets = await loadEmoji({ size, labels, background, trainCount: 1, testCount });
  const { rendition, adversarial, ...suite } = emojiSuite(sets);
  return {
    ...suite,
    rendition: { images: rendition },
    adversarial: async (resNet) => {
      if (resNet) return { images: await adversarial(resNet) };
      throw new RangeError("Cannot choose hard emoji: need a ResNet");
    },
  };
}

async function imageNetSets(config: PretrainConfig, scale: ScaleName): Promise<ShiftedSets> {
  const { globalSize: size } = recipeAt(config, scale).crops;
  const [adversarial, rendition, sketch, { test }] = await Promise.all([
    openImageNetA(dataFolder("imagenet-a")),
    openImageNetR(dataFolder("imagenet-r")),
    openImageNetSketch(dataFolder("imagenet-sketch")),
    openData(config.data, sizesAt(config, scale)),
  ]);
  return {
    clean: test,
    corrupted: imageNetCBatches(dataFolder("imagenet-c"), { size }),
    sketch,
    rendition: { images: rendition, among: imageNetRClasses },
    adversarial: () => Promise.resolve({ images: adversarial, among: imageNetAClasses }),
  };
}
