/**
 * Scenes with one label each, as images to train on and to classify: a large emoji, smaller ones of
 * its kind around it, and a textured ground.
 *
 * Every drawing of {@linkcode loadEmoji} is the large object of one scene, whose id and label are
 * those of the drawing. So scenes and emoji have the same training and test drawings, counts and
 * classes, and differ only in what is around the object. The surroundings say something of the
 * object, as in a photograph: food lies beside food. They hardly say which scene it is, since a
 * small number of drawings and textures surround the objects of all scenes.
 *
 * S is the side of a scene in pixels.
 */
import { Canvas, drawTile, type Tile } from "./scene.ts";
import {
  type BackgroundPool,
  drawBackground,
  drawBackgroundPool,
} from "lib/datasets/emoji/backgrounds.ts";
import { emojiBackground } from "lib/datasets/emoji/emoji.ts";
import {
  chooseDrawings,
  drawingId,
  type DrawingOptions,
  type EmojiDrawings,
  requireInteger,
} from "lib/datasets/emoji/emoji_drawings.ts";
import type { EmojiPack } from "lib/datasets/emoji/emoji_pack.ts";
import { checkImageSet, type ImageSet, unlabelled } from "lib/datasets/pictures/images.ts";
import {
  drawPlacement,
  makeSprite,
  type PlacementRange,
  renderSprite,
  type Sprite,
} from "lib/datasets/pictures/place.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import type { Rng } from "lib/rng.ts";

/** The place of the large object, which is never cut off. */
const largePlacement: PlacementRange = { extent: [0.45, 0.7], rotation: 25 };
/** Longer side of a small object as a fraction of the scene's side. */
const smallExtent = [0.15, 0.35] as const;
const mostSmall = 4; // there is at least one
const least = { share: 0.4, pixels: 4 }; // of a small object, at the edge or behind another one
const tries = 12; // places that are tried for an object
const smallPerGroup = 64; // drawings

/** Scenes for pre-training, for the neighbours of a k-NN, and to be classified. */
export interface LabelledScenes {
  /** Every training scene, unlabelled: with `labels: "identity"` many more than `train`. */
  readonly pretrain: ImageSet;
  /** The training scenes whose large object has a label. */
  readonly train: ImageSet;
  /** Scenes of the drawings of the test, the small objects included. */
  readonly test: ImageSet;
}

/**
 * Draws scenes of S × S pixels. Their masks show the large object.
 *
 * Labels, splits and counts are those of {@linkcode loadEmoji}: 6,699 scenes for training and 1,724
 * for the test, of 97 subgroups. They are drawn in twice the time that emoji take.
 *
 * @throws {RangeError} If an option is outside its range, or the scenes are smaller than 16 pixels.
 */
export async function loadLabelledScenes(options: DrawingOptions = {}): Promise<LabelledScenes> {
  const { size = 64, labels = "subgroup" } = options;
  requireInteger("pixels a side of a scene", size, 16, 512);
  const drawings = await chooseDrawings(options);
  const backgrounds = drawBackgroundPool(drawings.rng.fork("backgrounds"), size, emojiBackground);
  const painters = {
    train: scenePainter(drawings, "train", backgrounds),
    test: scenePainter(drawings, "test", backgrounds),
  };
  const make = (split: "train" | "test", labelledOnly: boolean) =>
    drawAll(drawings, drawings.some(split, labelledOnly), painters[split], {
      name: `scenes ${size} px, ${split}`,
      size,
    });
  const pretrain = make("train", false);
  return {
    pretrain: { ...unlabelled(pretrain), name: `scenes ${size} px, pretrain` },
    train: labels === "subgroup" ? pretrain : make("train", true),
    test: make("test", true),
  };
}

/** Draws the scene of a large object into `[S, S, 3]`, and its alpha into `[S, S]`. */
type ScenePainter = (drawing: number, pixels: Uint8Array, mask: Uint8Array) => void;

function scenePainter(
  { pack, rng, all }: EmojiDrawings,
  split: "train" | "test",
  backgrounds: BackgroundPool,
): ScenePainter {
  const { size } = backgrounds;
  const small = smallObjects(pack, all(split), size);
  const ground = new Uint8Array(size * size * 3);
  return (drawing, pixels, mask) => {
    const stream = rng.fork("scene").fork(drawingId(pack, drawing));
    drawBackground(stream.fork("background"), backgrounds, ground);
    const others = small.get(pack.identities[pack.drawings[drawing]!.identity]!.group)!;
    const objects = pickSmall(stream, others, pack.drawings[drawing]!.identity);
    const sprite = makeSprite(pack.raster(drawing), pack.size);
    const { canvas, tile } = layOut(stream.fork("place"), ground, size, objects, sprite);
    pixels.set(canvas.pixels);
    mask.set(tile.alpha);
  };
}

/** A drawing that serves as a small object. */
interface SmallObject {
  readonly identity: number;
  /** Makes the sprite when it is first asked for. */
  readonly sprite: () => Sprite;
}

/**
 * Chooses the drawings that serve as small objects, by Unicode's groups: 64 of each, spread over
 * all, or fewer where there are fewer.
 *
 * @param drawings Those of the split whose scenes are drawn.
 */
export function smallDrawings(
  pack: EmojiPack,
  drawings: readonly number[],
): Map<string, number[]> {
  const byGroup = Map.groupBy(
    drawings,
    (drawing) => pack.identities[pack.drawings[drawing]!.identity]!.group,
  );
  const some = (members: readonly number[]) =>
    evenIndices(members.length, smallPerGroup).map((place) => members[place]!);
  return new Map([...byGroup].map(([group, members]) => [group, some(members)]));
}

/** The small objects of each group. */
function smallObjects(
  pack: EmojiPack,
  drawings: readonly number[],
  size: number,
): Map<string, SmallObject[]> {
  const object = (drawing: number): SmallObject => {
    let sprite: Sprite | undefined;
    return {
      identity: pack.drawings[drawing]!.identity,
      sprite: () => sprite ??= reduced(makeSprite(pack.raster(drawing), pack.size), size),
    };
  };
  const groups = [...smallDrawings(pack, drawings)];
  return new Map(groups.map(([group, members]) => [group, members.map(object)]));
}

/** A sprite without the levels that a small object never needs, to save memory. */
function reduced({ levels, sizes, box }: Sprite, size: number): Sprite {
  const enough = 1.5 * smallExtent[1] * size;
  const level = sizes.findLastIndex((side) => side >= enough);
  if (level <= 0) return { levels, sizes, box };
  const shrink = 2 ** level;
  return {
    levels: levels.slice(level),
    sizes: sizes.slice(level),
    box: {
      left: Math.floor(box.left / shrink),
      top: Math.floor(box.top / shrink),
      right: Math.ceil(box.right / shrink),
      bottom: Math.ceil(box.bottom / shrink),
    },
  };
}

/** Chooses one to four small objects, none of which is the large one in another style. */
function pickSmall(rng: Rng, others: readonly SmallObject[], identity: number): Sprite[] {
  const allowed = others.filter((other) => other.identity !== identity);
  const count = Math.min(allowed.length, 1 + rng.int(mostSmall));
  return Array.from({ length: count }, () => allowed[rng.int(allowed.length)]!.sprite());
}

/**
 * Lays small objects and then the large one on a ground. If the large one would hide too much of a
 * small one wherever it is put, the scene is drawn anew with one small object less.
 */
function layOut(
  rng: Rng,
  ground: Uint8Array,
  size: number,
  small: readonly Sprite[],
  large: Sprite,
): { readonly canvas: Canvas; readonly tile: Tile } {
  for (let count = small.length;; count--) {
    const visible = count > 0 ? least : { share: 0, pixels: 0 }; // alone, any object is taken
    const canvas = new Canvas(size, size, Uint8Array.from(ground), visible);
    for (const sprite of small.slice(0, count)) {
      for (let left = tries; left > 0; left--) {
        if (canvas.add(0, drawTile(rng, sprite, size, size, smallExtent))) break;
      }
    }
    for (let left = tries; left > 0; left--) {
      const tile = drawLarge(rng, large, size);
      if (canvas.add(1, tile)) return { canvas, tile };
    }
  }
}

/** The large object on a picture of the scene's size. */
function drawLarge(rng: Rng, sprite: Sprite, size: number): Tile {
  const placement = drawPlacement(rng, sprite.box, size, largePlacement);
  const pixels = new Uint8Array(size * size * 3);
  const alpha = new Uint8Array(size * size);
  renderSprite(sprite, placement, size, [0, 0, 0], pixels, alpha);
  return { side: size, left: 0, top: 0, pixels, alpha };
}

function drawAll(
  { pack, classes }: EmojiDrawings,
  chosen: readonly number[],
  paint: ScenePainter,
  { name, size }: { readonly name: string; readonly size: number },
): ImageSet {
  const area = size * size;
  const pixels = new Uint8Array(chosen.length * area * 3);
  const masks = new Uint8Array(chosen.length * area);
  chosen.forEach((drawing, i) =>
    paint(
      drawing,
      pixels.subarray(i * area * 3, (i + 1) * area * 3),
      masks.subarray(i * area, (i + 1) * area),
    )
  );
  return checkImageSet({
    name,
    height: size,
    width: size,
    pixels,
    labels: Int32Array.from(chosen, (drawing) => classes.of(drawing)),
    classNames: classes.names,
    ids: chosen.map((drawing) => drawingId(pack, drawing)),
    masks,
  });
}
