/**
 * A suite of small sets for transfer, made from what comes with the project: emoji, garments, fonts.
 * All are the same on every machine, and image i of a part is the same whatever the counts, unless
 * the part is chosen evenly from all drawings.
 */
import { loadFashionMnist } from "lib/datasets/small_sets/fashion_mnist.ts";
import type { TransferMetric, TransferParts } from "lib/datasets/transfer/transfer_types.ts";
import {
  openEmojiGroup,
  openEmojiIdentity,
  openEmojiStyle,
  openEmojiSubgroup,
  openIcons,
} from "./emoji_sets.ts";
import { openDigits, openFonts, openLetters } from "./glyphs.ts";
import type { LaptopParts, LaptopSetOptions } from "./placed_sets.ts";
import { openContents, openCounting, openLeftRight } from "./scene_sets.ts";

/** A set of the suite. */
export interface LaptopSet {
  /** Name of the set in tables. */
  readonly title: string;
  /** What is told apart, and what of the test training does not have. */
  readonly about: string;
  /** The number of classes. */
  readonly classes: number;
  /** How it is scored. */
  readonly metric: TransferMetric;
  /** Makes the images. */
  readonly open: (options: LaptopSetOptions) => Promise<TransferParts>;
}

/** The sets by name. */
export const laptopSets = {
  emoji_identity: {
    title: "Emoji, identity",
    about: "the 100 emoji that look least alike; the test has other styles of them",
    classes: 100,
    metric: "accuracy",
    open: openEmojiIdentity,
  },
  emoji_subgroup: {
    title: "Emoji, subgroup",
    about: "Unicode's fine categories; the test has other drawings",
    classes: 97,
    metric: "meanPerClass",
    open: openEmojiSubgroup,
  },
  emoji_group: {
    title: "Emoji, group",
    about: "Unicode's coarse categories; the test has other drawings",
    classes: 9,
    metric: "meanPerClass",
    open: openEmojiGroup,
  },
  emoji_style: {
    title: "Emoji, style",
    about: "which of six design systems drew it; the test has other emoji",
    classes: 6,
    metric: "accuracy",
    open: openEmojiStyle,
  },
  icons: {
    title: "Icons",
    about: "the coarse categories of drawings in one ink; the test has other emoji",
    classes: 9,
    metric: "meanPerClass",
    open: openIcons,
  },
  garments: {
    title: "Garments",
    about: "Fashion-MNIST as shipped, its own test",
    classes: 10,
    metric: "accuracy",
    open: (options) => openGarments(false, options),
  },
  garments_placed: {
    title: "Garments, placed",
    about: "the same at random places, sizes and angles",
    classes: 10,
    metric: "accuracy",
    open: (options) => openGarments(true, options),
  },
  digits: {
    title: "Digits",
    about: "0 to 9 in faces of DejaVu; the test has other faces",
    classes: 10,
    metric: "accuracy",
    open: openDigits,
  },
  letters: {
    title: "Letters",
    about: "A to Z in faces of DejaVu; the test has other faces",
    classes: 26,
    metric: "accuracy",
    open: openLetters,
  },
  fonts: {
    title: "Fonts",
    about: "which of eight faces a character is set in; the test has other characters",
    classes: 8,
    metric: "accuracy",
    open: openFonts,
  },
  counting: {
    title: "Counting",
    about: "one to five objects in a scene; the test has other drawings",
    classes: 5,
    metric: "accuracy",
    open: openCounting,
  },
  left_right: {
    title: "Left or right",
    about: "an animal or plant is left or right of food; the test has other drawings",
    classes: 2,
    metric: "rocAuc",
    open: openLeftRight,
  },
  contents: {
    title: "Contents",
    about: "which of six categories are in a scene; the test has other drawings",
    classes: 6,
    metric: "map11",
    open: openContents,
  },
} as const satisfies Readonly<Record<string, LaptopSet>>;

/** A name in {@linkcode laptopSets}. */
export type LaptopSetName = keyof typeof laptopSets;

async function openGarments(
  placed: boolean,
  { size, trainCount, testCount }: LaptopSetOptions,
): Promise<LaptopParts> {
  return await loadFashionMnist({ placed, ...(placed && { size }), trainCount, testCount });
}
