/**
 * Chooses the drawings of a data set of emoji: which there are, what their labels are, and which are
 * for training and which for a test.
 */
import { type ColourStyle, colourStyles } from "./catalogue.ts";
import { type EmojiPack, openEmojiPack, type PackProgress } from "./emoji_pack.ts";
import { type Split, splitOf } from "./style_split.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { createRng, type Rng } from "lib/rng.ts";

/** Which drawings of emoji there are, and their labels. */
export interface DrawingOptions {
  /** Side of the images in pixels, 8 to 512. */
  readonly size?: number;
  /**
   * Unicode's fine categories (97, of very different sizes), or the identities that look least
   * alike.
   */
  readonly labels?: "subgroup" | "identity";
  /** How many identities are classes. Only for `labels: "identity"`. */
  readonly identityCount?: number;
  /**
   * The seed of the split and of the placements. A drawing is placed alike whatever the labels and
   * the split.
   */
  readonly seed?: number;
  /**
   * Largest number of drawings of `pretrain`, of `train` and of each other set, chosen evenly by
   * `thinned`. The other drawings are not placed, which saves time: all of them take four seconds
   * at 32 pixels and ten at 80. By default, all.
   */
  readonly trainCount?: number;
  readonly testCount?: number;
  /** Styles kept out of train and test. */
  readonly heldOutStyles?: readonly ColourStyle[];
  /** Called while drawings are rasterised, which happens once. */
  readonly onProgress?: PackProgress;
}

/** The drawings of a data set. A drawing is an index into those of the pack. */
export interface EmojiDrawings {
  readonly pack: EmojiPack;
  readonly classes: EmojiClasses;
  /** The stream from which the data set draws all else. */
  readonly rng: Rng;
  /** All drawings of a split. */
  all(split: Split): number[];
  /**
   * The drawings of a split that the counts allow.
   *
   * @param labelledOnly Whether to leave out those without a label, before counting.
   */
  some(split: Split, labelledOnly: boolean): number[];
}

/**
 * Opens the drawings for images of a size and splits them.
 *
 * @throws {RangeError} If an option is outside its range; the message says which and what is in
 *   range.
 */
export async function chooseDrawings(options: DrawingOptions): Promise<EmojiDrawings> {
  const { size = 64, labels = "subgroup", seed = 0 } = options;
  const { trainCount = Infinity, testCount = Infinity } = options;
  const heldOutStyles = options.heldOutStyles ?? ["openmoji", "fxemoji"];
  requireInteger("pixels a side", size, 8, 512);
  requireStyles(heldOutStyles);
  const pack = await openEmojiPack(rasterSize(size), { onProgress: options.onProgress });
  const classes = classesOf(pack, labels, options.identityCount ?? 100);
  const rng = createRng(seed).fork("emoji");
  const splits = splitOf(pack.drawings, pack.identities, heldOutStyles, rng.fork("split"));
  const all = (split: Split) => splits.flatMap((s, i) => s === split ? [i] : []);
  return {
    pack,
    classes,
    rng,
    all,
    some(split, labelledOnly) {
      const some = all(split).filter((drawing) => !labelledOnly || classes.of(drawing) >= 0);
      return evenIndices(some.length, split === "train" ? trainCount : testCount)
        .map((place) => some[place]!);
    },
  };
}

/**
 * Side of the raster for images of a size: at least twice as large, and 128, which set-up makes.
 */
export function rasterSize(size: number): number {
  return Math.max(128, 2 ** Math.ceil(Math.log2(size * 2)));
}

/** The classes of a data set of emoji. */
export interface EmojiClasses {
  /** Name of each class, by its index. */
  readonly names: readonly string[];
  /** The label of a drawing; −1 if it has none. */
  of(drawing: number): number;
}

function classesOf(pack: EmojiPack, labels: "subgroup" | "identity", count: number): EmojiClasses {
  const identity = (drawing: number) => pack.drawings[drawing]!.identity;
  switch (labels) {
    case "subgroup": {
      const names = [...new Set(pack.identities.map(({ subgroup }) => subgroup))];
      const label = pack.identities.map(({ subgroup }) => names.indexOf(subgroup));
      return { names, of: (drawing) => label[identity(drawing)]! };
    }
    case "identity": {
      requireInteger("identities", count, 2, pack.distinct.length);
      const chosen = pack.distinct.slice(0, count);
      const names = chosen.map((i) => pack.identities[i]!.label);
      return { names, of: (drawing) => chosen.indexOf(identity(drawing)) };
    }
    default: {
      const never: never = labels;
      throw new RangeError(
        `Cannot label emoji by "${never}": labels are "subgroup" or "identity"`,
      );
    }
  }
}

/** The id of a drawing: `noto/1f34e`. */
export function drawingId({ drawings, identities }: EmojiPack, drawing: number): string {
  const { style, identity } = drawings[drawing]!;
  return `${style}/${identities[identity]!.hexcode}`;
}

/** @throws {RangeError} If a value is outside its range. */
export function requireInteger(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot load emoji: need ${min} to ${max} ${what}, current value is ${value}`,
  );
}

function requireStyles(styles: readonly string[]): void {
  const known: readonly string[] = colourStyles;
  const wrong = styles.find((style) => !known.includes(style));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot hold out style "${wrong}": the colour styles are ${known.join(", ")}`,
    );
  }
  if (new Set(styles).size > known.length - 2) {
    throw new RangeError(
      `Cannot hold out ${styles.length} of ${known.length} styles: train and test need two`,
    );
  }
}
