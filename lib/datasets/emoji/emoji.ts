/**
 * Emoji as a small image benchmark: the same things drawn in different design systems, each placed
 * at random.
 *
 * Styles that are held out are a shifted domain (as ImageNet-R), drawings in one ink another (as
 * ImageNet-Sketch), and a drawing's transparency is an exact mask of its object.
 */
import { type BackgroundPool, drawBackground, drawBackgroundPool } from "./backgrounds.ts";
import {
  chooseDrawings,
  drawingId,
  type DrawingOptions,
  type EmojiDrawings,
  requireInteger,
} from "./emoji_drawings.ts";
import type { Split } from "./style_split.ts";
import { checkImageSet, type ImageSet, unlabelled } from "lib/datasets/pictures/images.ts";
import {
  drawPlacement,
  makeSprite,
  type PlacementRange,
  renderSprite,
} from "lib/datasets/pictures/place.ts";

/** How drawings are placed: so differently that comparing pixels is weak, and never cut off. */
export const emojiPlacement: PlacementRange = { extent: [0.55, 0.95], rotation: 25 };

/**
 * The colour that every emoji lies on: the same for all, since a network would learn random
 * backgrounds instead of the objects.
 */
export const emojiBackground = [128, 128, 128] as const;

/** Which emoji there are, and how they are placed. */
export interface EmojiOptions extends DrawingOptions {
  /** How often each drawing is placed: 2 gives twice as many images. */
  readonly copies?: number;
  /**
   * `textured`: each object lies on one of 32 textures that all images share. By default on
   * {@linkcode emojiBackground}. Objects are placed alike on both.
   */
  readonly background?: "textured";
}

/**
 * No drawing is in two of `pretrain`, `test`, `heldOut` and `monochrome`. A set is made when it is
 * first asked for, and then kept.
 */
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
  const { size = 64, labels = "subgroup", copies = 1, background } = options;
  requireInteger("copies", copies, 1, 100);
  requireBackground(background);
  const drawings = await chooseDrawings(options);
  const backgrounds = background &&
    drawBackgroundPool(drawings.rng.fork("backgrounds"), size, emojiBackground);
  const what = `emoji ${background ? `${background} ` : ""}${size} px`;
  const make = (split: Split, labelledOnly: boolean) =>
    render(drawings, drawings.some(split, labelledOnly), {
      name: `${what}, ${split}`,
      size,
      copies,
      backgrounds,
    });
  // Each set is placed when it is asked for: all of them take seconds, and few callers need all.
  const placed = new Map<string, ImageSet>();
  const once = (name: string, place: () => ImageSet) => {
    const set = placed.get(name) ?? place();
    placed.set(name, set);
    return set;
  };
  const all = () => once("all of train", () => make("train", false));
  return {
    get pretrain() {
      return once("pretrain", () => ({ ...unlabelled(all()), name: `${what}, pretrain` }));
    },
    get train() {
      return labels === "subgroup" ? all() : once("train", () => make("train", true));
    },
    get test() {
      return once("test", () => make("test", true));
    },
    get heldOut() {
      return once("held out", () => make("held out", true));
    },
    get monochrome() {
      return once("monochrome", () => make("monochrome", true));
    },
  };
}

interface RenderOptions {
  readonly name: string;
  readonly size: number;
  readonly copies: number;
  /** The textures behind the objects; without them, {@linkcode emojiBackground}. */
  readonly backgrounds?: BackgroundPool;
}

/** Places the chosen drawings, each `copies` times: drawing by drawing, then copy by copy. */
function render(
  { pack, classes, rng }: EmojiDrawings,
  chosen: readonly number[],
  { name, size, copies, backgrounds }: RenderOptions,
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
      const mask = masks.subarray(i * area, (i + 1) * area);
      if (backgrounds) {
        drawBackground(
          rng.fork("background").fork(drawingId(pack, drawing)).fork(copy),
          backgrounds,
          out,
        );
      }
      renderSprite(sprite, placement, size, backgrounds ? out : emojiBackground, out, mask);
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

function requireBackground(background: string | undefined): void {
  if (background === undefined || background === "textured") return;
  throw new RangeError(
    `Cannot load emoji: the background is "textured" or left out, current value is ` +
      JSON.stringify(background),
  );
}
