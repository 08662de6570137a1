/**
 * Emoji as a small image benchmark: the same things drawn in different design systems, each placed
 * at random.
 *
 * Styles that are held out are a shifted domain (as ImageNet-R), drawings in one ink another (as
 * ImageNet-Sketch), and a drawing's transparency is an exact mask of its object.
 */
import { type ColourStyle, colourStyles } from "./catalogue.ts";
import { type EmojiPack, openEmojiPack, type PackProgress } from "./emoji_pack.ts";
import { type Split, splitOf } from "./style_split.ts";
import { checkImageSet, type ImageSet, unlabelled } from "lib/datasets/pictures/images.ts";
import {
  drawPlacement,
  makeSprite,
  type PlacementRange,
  renderSprite,
} from "lib/datasets/pictures/place.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { createRng, type Rng } from "lib/rng.ts";

/** How drawings are placed: so differently that comparing pixels is weak, and never cut off. */
export const emojiPlacement: PlacementRange = { extent: [0.55, 0.95], rotation: 25 };

/**
 * The colour that every emoji lies on: the same for all, since a network would learn random
 * backgrounds instead of the objects.
 */
export const emojiBackground = [128, 128, 128] as const;

export interface EmojiOptions {
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
  /** How often each drawing is placed: 2 gives twice as many images. */
  readonly copies?: number;
  /**
   * Largest number of drawings of `pretrain`, of `train` and of each other set, chosen evenly by
   * `thinned`. The other drawings are not placed, which saves time: all of them take four seconds.
   * By default, all.
   */
  readonly trainCount?: number;
  readonly testCount?: number;
  /** Styles kept out of train and test. */
  readonly heldOutStyles?: readonly ColourStyle[];
  /** Called while drawings are rasterised, which happens once. */
  readonly onProgress?: PackProgress;
}

/** No drawing is in two of `pretrain`, `test`, `heldOut` and `monochrome`. */
export interface EmojiSets {
  /** Every training drawing, unlabelled: with `labels: "identity"` many more than `train`. */
  readonly pretrain: ImageSet;
  /** The training drawings that have a label. */
  readonly train: ImageSet;
  /**
   * One drawing of each identity, in a style in which train does not have it; train has it in
   * another.
   */
  readonly test: ImageSet;
  /** Drawings in styles that no training drawing has. */
  readonly heldOut: ImageSet;
  /** Black drawings. */
  readonly monochrome: ImageSet;
}

/**
 * Loads the emoji that at least four colour styles draw, with masks.
 *
 * Labels are indices into Unicode's subgroups, or into the identities of
 * {@linkcode distinctIdentities}. 6,699 drawings for training, 1,724 for the test. Cosine k-NN (k =
 * 1) on raw pixels at 32 and 64 pixels: of 97 subgroups 20.6 and 17.6 %, of 100 identities 41.0 and
 * 37.0 %.
 *
 * @throws {RangeError} If an option is outside its range; the message says which and what is in
 *   range.
 */
export async function loadEmoji(options: EmojiOptions = {}): Promise<EmojiSets> {
  const { size = 64, labels = "subgroup", seed = 0, copies = 1 } = options;
  const { trainCount = Infinity, testCount = Infinity } = options;
  const heldOutStyles = options.heldOutStyles ?? ["openmoji", "fxemoji"];
  requireInteger("pixels a side", size, 8, 512);
  requireInteger("copies", copies, 1, 100);
  requireStyles(heldOutStyles);
  const pack = await openEmojiPack(rasterSize(size), { onProgress: options.onProgress });
  const classes = classesOf(pack, labels, options.identityCount ?? 100);
  const rng = createRng(seed).fork("emoji");
  const splits = splitOf(pack.drawings, pack.identities, heldOutStyles, rng.fork("split"));
  const make = (split: Split, labelledOnly: boolean) => {
    const all = splits.flatMap((s, i) =>
      s === split && (!labelledOnly || classes.of(i) >= 0) ? [i] : []
    );
    const chosen = evenIndices(all.length, split === "train" ? trainCount : testCount)
      .map((place) => all[place]!);
    return render(pack, chosen, classes, { name: `emoji ${size} px, ${split}`, size, copies, rng });
  };
  const pretrain = make("train", false);
  // Two fifths of all drawings are in these sets, which training and its monitor do not use. So
  // they are placed only when they are asked for.
  let [heldOut, monochrome]: (ImageSet | undefined)[] = [];
  return {
    pretrain: { ...unlabelled(pretrain), name: `emoji ${size} px, pretrain` },
    train: labels === "subgroup" ? pretrain : make("train", true),
    test: make("test", true),
    get heldOut() {
      return heldOut ??= make("held out", true);
    },
    get monochrome() {
      return monochrome ??= make("monochrome", true);
    },
  };
}

/**
 * Side of the raster for images of a size: at least twice as large, and 128, which set-up makes.
 */
export function rasterSize(size: number): number {
  return Math.max(128, 2 ** Math.ceil(Math.log2(size * 2)));
}

interface Classes {
  readonly names: readonly string[];
  /** The label of a drawing; −1 if it has none. */
  of(drawing: number): number;
}

function classesOf(pack: EmojiPack, labels: "subgroup" | "identity", count: number): Classes {
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

interface RenderOptions {
  readonly name: string;
  readonly size: number;
  readonly copies: number;
  readonly rng: Rng;
}

/** Places the chosen drawings, each `copies` times: drawing by drawing, then copy by copy. */
function render(
  pack: EmojiPack,
  chosen: readonly number[],
  classes: Classes,
  { name, size, copies, rng }: RenderOptions,
): ImageSet {
  const area = size * size;
  const count = chosen.length * copies;
  const pixels = new Uint8Array(count * area * 3);
  const masks = new Uint8Array(count * area);
  const ids: string[] = [];
  for (const drawing of chosen) {
    const sprite = makeSprite(pack.raster(drawing), pack.size);
    for (let copy = 0; copy < copies; copy++) {
      const i = ids.length;
      ids.push(drawingId(pack, drawing) + (copies > 1 ? `#${copy}` : ""));
      const place = rng.fork("place").fork(drawingId(pack, drawing)).fork(copy);
      const placement = drawPlacement(place, sprite.box, size, emojiPlacement);
      const out = pixels.subarray(i * area * 3, (i + 1) * area * 3);
      renderSprite(
        sprite,
        placement,
        size,
        emojiBackground,
        out,
        masks.subarray(i * area, (i + 1) * area),
      );
    }
  }
  return checkImageSet({
    name,
    height: size,
    width: size,
    pixels,
    labels: Int32Array.from(
      { length: count },
      (_, i) => classes.of(chosen[Math.floor(i / copies)]!),
    ),
    classNames: classes.names,
    ids,
    masks,
  });
}

/** `noto/1f34e`. */
function drawingId({ drawings, identities }: EmojiPack, drawing: number): string {
  const { style, identity } = drawings[drawing]!;
  return `${style}/${identities[identity]!.hexcode}`;
}

function requireInteger(what: string, value: number, min: number, max: number): void {
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
