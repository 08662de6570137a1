/** The emoji as several sets: the same drawings by what they show, and by who drew them. */
import { loadEmoji } from "lib/datasets/emoji/emoji.ts";
import {
  chooseDrawings,
  drawingId,
  type EmojiDrawings,
  rasterSize,
} from "lib/datasets/emoji/emoji_drawings.ts";
import { openEmojiPack } from "lib/datasets/emoji/emoji_pack.ts";
import type { Split } from "lib/datasets/emoji/style_split.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { makeSprite } from "lib/datasets/pictures/place.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import {
  type LaptopParts,
  type LaptopSetOptions,
  type PlacedObject,
  placeEach,
} from "./placed_sets.ts";

/** The hundred emoji that look least alike; the test has each in a style that training lacks. */
export async function openEmojiIdentity(options: LaptopSetOptions): Promise<LaptopParts> {
  const { train, test } = await loadEmoji({ ...options, labels: "identity" });
  return { train, test };
}

/** Unicode's fine categories, as the study's own runs are scored. */
export async function openEmojiSubgroup(options: LaptopSetOptions): Promise<LaptopParts> {
  const { train, test } = await loadEmoji({ ...options, labels: "subgroup" });
  return { train, test };
}

/** The same images by Unicode's coarse categories. */
export async function openEmojiGroup(options: LaptopSetOptions): Promise<LaptopParts> {
  const { train, test } = await openEmojiSubgroup(options);
  const { identities } = await openEmojiPack(rasterSize(options.size));
  const groupOf = new Map(identities.map(({ subgroup, group }) => [subgroup, group]));
  const classNames = groupNames({ identities });
  const relabel = (set: ImageSet): ImageSet => ({
    ...set,
    classNames,
    labels: set.labels.map((label) => classNames.indexOf(groupOf.get(set.classNames[label]!)!)),
  });
  return { train: relabel(train), test: relabel(test) };
}

/**
 * Who drew it: the six design systems that pre-training sees. Test drawings are of other emoji than
 * training drawings, and pre-training sees none of them.
 */
export async function openEmojiStyle(options: LaptopSetOptions): Promise<LaptopParts> {
  const drawings = await chooseDrawings({ size: options.size });
  const { pack } = drawings;
  const styles = [...new Set(drawings.all("train").map((i) => pack.drawings[i]!.style))].sort();
  return placeDrawings(drawings, {
    ...{ name: "emoji by style", classNames: styles, options },
    labelOf: (drawing) => styles.indexOf(pack.drawings[drawing]!.style),
    parts: { train: "train", test: "test" },
  });
}

/** Icons in one ink, by Unicode's coarse categories; the test has other emoji than training. */
export async function openIcons(options: LaptopSetOptions): Promise<LaptopParts> {
  const drawings = await chooseDrawings({ size: options.size });
  const { pack } = drawings;
  const classNames = groupNames(pack);
  return placeDrawings(drawings, {
    ...{ name: "icons", classNames, options },
    labelOf: (drawing) =>
      classNames.indexOf(pack.identities[pack.drawings[drawing]!.identity]!.group),
    parts: { train: "monochrome", test: "monochrome" },
  });
}

function groupNames({ identities }: Pick<EmojiDrawings["pack"], "identities">): string[] {
  return [...new Set(identities.map(({ group }) => group))];
}

interface DrawingSet {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly options: LaptopSetOptions;
  readonly labelOf: (drawing: number) => number;
  /** Splits from which drawings for training and for the test come. */
  readonly parts: Readonly<Record<"train" | "test", Split>>;
}

/** Every third emoji is for the test, the others are for training. */
function placeDrawings(
  { pack, rng, all }: EmojiDrawings,
  { name, classNames, options, labelOf, parts }: DrawingSet,
): LaptopParts {
  const { size, trainCount, testCount } = options;
  const make = (part: "train" | "test", count: number) => {
    const own = all(parts[part]).filter((drawing) =>
      (pack.drawings[drawing]!.identity % 3 === 2) === (part === "test")
    );
    const objects = evenIndices(own.length, count).map((place): PlacedObject => {
      const drawing = own[place]!;
      return {
        id: drawingId(pack, drawing),
        label: labelOf(drawing),
        sprite: () => makeSprite(pack.raster(drawing), pack.size),
      };
    });
    const set = { name: `${name} ${size} px, ${part}`, size, classNames };
    return placeEach(objects, set, rng.fork("place"));
  };
  return { train: make("train", trainCount), test: make("test", testCount) };
}
