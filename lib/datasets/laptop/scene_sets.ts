/**
 * Attributes of scenes that no single object shows: how many objects there are, which of two is
 * left of the other, and which kinds are there.
 *
 * Training scenes are made of the emoji's training drawings, test scenes of their test drawings.
 */
import { Canvas, drawTile, type Tile } from "lib/datasets/coco/scene.ts";
import {
  type BackgroundPool,
  drawBackground,
  drawBackgroundPool,
} from "lib/datasets/emoji/backgrounds.ts";
import { emojiBackground } from "lib/datasets/emoji/emoji.ts";
import { chooseDrawings, type EmojiDrawings } from "lib/datasets/emoji/emoji_drawings.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { makeSprite, type Sprite } from "lib/datasets/pictures/place.ts";
import type { Rng } from "lib/rng.ts";
import type { LaptopParts, LaptopSetOptions } from "./placed_sets.ts";

/** Of each object so much is seen, at the edge or behind another one. */
const visible = { share: 0.7, pixels: 6 };
const extent = [0.22, 0.36] as const; // object's longer side as a fraction of the scene's
const mostObjects = 5;
const tries = 12; // places that are tried for an object before the scene is drawn anew

/** How many objects there are, one to five. */
export async function openCounting(options: LaptopSetOptions): Promise<LaptopParts> {
  const classNames = Array.from({ length: mostObjects }, (_, i) => `${i + 1}`);
  return await openScenes("counting", classNames, options, ({ any }, i, rng) => {
    const label = i % mostObjects;
    return { label, sprites: Array.from({ length: label + 1 }, () => any(rng)) };
  });
}

const [first, second] = ["animals-nature", "food-drink"] as const;
const leastApart = 0.2; // between the objects' centres, from left to right, in sides of the scene

/** Whether an animal or plant is left or right of something to eat. */
export async function openLeftRight(options: LaptopSetOptions): Promise<LaptopParts> {
  const classNames = ["right", "left"];
  return await openScenes("left or right", classNames, options, ({ of }, i, rng) => {
    const label = i % 2;
    return {
      label,
      sprites: [of(first, rng), of(second, rng)],
      accepts: ([one, other], size) => {
        const apart = (centre(other!) - centre(one!)) / size;
        return label === 1 ? apart >= leastApart : apart <= -leastApart;
      },
    };
  });
}

function centre({ left, side }: Tile): number {
  return left + side / 2;
}

/** Which of Unicode's groups are there: several classes for each scene. */
export async function openContents(
  options: LaptopSetOptions,
): Promise<LaptopParts & { readonly multiLabels: Record<"train" | "val" | "test", Int8Array> }> {
  const kinds = [first, second, "travel-places", "activities", "objects", "symbols"];
  const truth: Record<"train" | "val" | "test", number[]> = { train: [], val: [], test: [] };
  const parts = await openScenes("contents", kinds, options, ({ of, part }, _, rng) => {
    const chosen = rng.permutation(kinds.length).subarray(0, 1 + rng.int(3));
    truth[part].push(...kinds.map((_, c) => chosen.includes(c) ? 1 : -1));
    return { label: -1, sprites: Array.from(chosen, (c) => of(kinds[c]!, rng)) };
  });
  const multiLabels = {
    train: Int8Array.from(truth.train),
    val: new Int8Array(),
    test: Int8Array.from(truth.test),
  };
  return { ...parts, multiLabels };
}

/** The drawings of a part, by chance. */
interface Drawings {
  readonly part: "train" | "test";
  any(rng: Rng): Sprite;
  /** One of a group of Unicode's. */
  of(group: string, rng: Rng): Sprite;
}

/** What a scene is to have. */
interface Plan {
  readonly label: number;
  readonly sprites: readonly Sprite[];
  /** Whether the objects lie as the label says; by default they always do. */
  readonly accepts?: (tiles: readonly Tile[], size: number) => boolean;
}

async function openScenes(
  name: string,
  classNames: readonly string[],
  { size, trainCount, testCount }: LaptopSetOptions,
  plan: (drawings: Drawings, index: number, rng: Rng) => Plan,
): Promise<LaptopParts> {
  const drawings = await chooseDrawings({ size });
  const rng = drawings.rng.fork(`laptop ${name}`);
  const pool = drawBackgroundPool(rng.fork("backgrounds"), size, emojiBackground);
  const make = (part: "train" | "test", count: number): ImageSet => {
    const own = drawingsOf(drawings, part);
    const pixels = new Uint8Array(count * size * size * 3);
    const labels = Int32Array.from({ length: count }, (_, i) => {
      const stream = rng.fork(part).fork(i);
      const planned = plan(own, i, stream.fork("objects"));
      pixels.set(layOut(planned, pool, stream), i * size * size * 3);
      return planned.label;
    });
    return checkImageSet({
      ...{ name: `${name} ${size} px, ${part}`, height: size, width: size, pixels, labels },
      classNames,
      ids: Array.from({ length: count }, (_, i) => `${part}/${i}`),
    });
  };
  return { train: make("train", trainCount), test: make("test", testCount) };
}

function drawingsOf({ pack, all }: EmojiDrawings, part: "train" | "test"): Drawings {
  const own = all(part);
  const byGroup = Map.groupBy(own, (i) => pack.identities[pack.drawings[i]!.identity]!.group);
  const sprite = (from: readonly number[], rng: Rng) =>
    makeSprite(pack.raster(from[rng.int(from.length)]!), pack.size);
  return {
    part,
    any: (rng) => sprite(own, rng),
    of: (group, rng) => sprite(byGroup.get(group)!, rng),
  };
}

/** Draws a scene again and again until all its objects are seen and lie as they should. */
function layOut({ sprites, accepts }: Plan, pool: BackgroundPool, rng: Rng): Uint8Array {
  const { size } = pool;
  for (let attempt = 0;; attempt++) {
    const stream = rng.fork(attempt);
    const ground = new Uint8Array(size * size * 3);
    drawBackground(stream.fork("background"), pool, ground);
    const canvas = new Canvas(size, size, ground, visible);
    const tiles: Tile[] = [];
    for (let left = tries * sprites.length; left > 0 && tiles.length < sprites.length; left--) {
      const tile = drawTile(stream, sprites[tiles.length]!, size, size, extent);
      if (canvas.add(0, tile)) tiles.push(tile);
    }
    if (tiles.length === sprites.length && (accepts?.(tiles, size) ?? true)) return canvas.pixels;
  }
}
