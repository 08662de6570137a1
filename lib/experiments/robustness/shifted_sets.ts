/** The sets that the verb `robustness` tests on: Table 5's, or what stands for them among emoji. */
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import {
  imageNetAClasses,
  imageNetRClasses,
  type ImageSource,
  loadEmoji,
  openImageNetA,
  openImageNetR,
  openImageNetSketch,
  thinned,
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
  /** Not at all. */
  readonly clean: ImageSource;
  readonly corrupted: CorruptedBatches;
  readonly sketch: ImageSource;
  readonly rendition: ShiftedSet;
  /**
   * @param resNet Chooses, where nobody has chosen before: of emoji.
   * @throws {RangeError} If it misses none by a margin, or is wanted and not given.
   */
  adversarial(resNet?: Classifier): Promise<ShiftedSet>;
}

/** A set of some of the network's classes. */
export interface ShiftedSet {
  readonly images: ImageSource;
  /** Which; by default all. */
  readonly among?: readonly number[];
}

/**
 * Finds the sets of an experiment's data: of emoji, those of `emojiSuite`, from the very images that its runs are tested on; of
 * ImageNet, its own test sets, each in its folder of `data/`, as `imagenet-c`.
 *
 * @throws {Error} If one of ImageNet's is not there; the message says what to unpack where.
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

async function emojiSets(config: PretrainConfig, scale: ScaleName): Promise<ShiftedSets> {
  const { imageSize: size, testCount } = sizesAt(config, scale);
  const { labels } = config.data as PretrainConfig["data"] & { readonly kind: "emoji" };
  const { test, heldOut, monochrome } = await loadEmoji({ size, labels });
  const { rendition, adversarial, ...suite } = emojiSuite({
    test: thinned(test, testCount),
    heldOut: thinned(heldOut, testCount),
    monochrome: thinned(monochrome, testCount),
  });
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
