/**
 * Makes scenes of emoji in COCO's format, once, by a seeded generator. Pictures are in `train/` and
 * `val/`, annotations in `annotations/`, all in one folder of `data/`.
 */
import { basename, dirname, join } from "@std/path";
import sharp from "sharp";
import { cocoJson } from "./coco_json.ts";
import type { CocoAnnotation, CocoSet } from "./coco_set.ts";
import { loadCoco } from "./load_coco.ts";
import { encodeMask, rleArea, rleBox } from "./rle.ts";
import { drawScene, type SceneObject, type SceneSprite } from "./scene.ts";
import { sceneDrawings } from "./scene_drawings.ts";
import { absolutePath } from "lib/paths.ts";
import { dataFolder, exists } from "lib/datasets/files/data_folder.ts";
import { emojiPackages } from "lib/datasets/emoji/catalogue.ts";
import { type EmojiPack, openEmojiPack, type PackProgress } from "lib/datasets/emoji/emoji_pack.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import { makeSprite } from "lib/datasets/pictures/place.ts";
import { createRng } from "lib/rng.ts";

const format = 1; // version of the drawing code: raise it when scenes look different
const drawingSize = 128; // pixels a side of the emoji that the set-up rasterises
/** Number of scenes at a time: while one is drawn, others are compressed in other threads. */
const inFlight = 4;

export interface SceneOptions {
  /**
   * Pixels, 32 to 512. By default, width and height differ, so that exchanged rows and columns are
   * noticed. An object has up to 0.7 of the shorter side; the drawings have 128 pixels, so the
   * objects of larger scenes are soft.
   */
  readonly width?: number;
  readonly height?: number;
  /** Number of scenes for training. The first scenes are the same for any number. */
  readonly train?: number;
  readonly val?: number;
  /** Seed of the drawing and of the split (see {@linkcode sceneDrawings}). */
  readonly seed?: number;
}

export interface Scenes {
  readonly train: CocoSet;
  readonly val: CocoSet;
}

type Split = keyof Scenes;

/**
 * Opens the scenes of some options. If they do not exist, they are made first: 2,000 scenes of 160
 * × 128 pixels take a quarter of a minute.
 *
 * @param options.folder The folder of all scenes.
 * @param options.onProgress Called from time to time while scenes are made.
 * @throws {RangeError} If an option is out of range.
 */
export async function openScenes(
  options: SceneOptions = {},
  { folder = dataFolder("scenes"), onProgress = () => {} }: {
    readonly folder?: string;
    readonly onProgress?: PackProgress;
  } = {},
): Promise<Scenes> {
  const all = checkOptions(options);
  const path = await scenesPath(absolutePath(folder), all);
  if (!await exists(path)) {
    await makeWhole(path, (partial) => makeScenes(partial, all, onProgress));
    await removeOlder(path);
  }
  const open = async (split: Split) => {
    const file = join(path, "annotations", `instances_${split}.json`);
    return (await loadCoco(file, { folder: join(path, split), onFault: "stop" })).set;
  };
  return { train: await open("train"), val: await open("val") };
}

function checkOptions(options: SceneOptions): Required<SceneOptions> {
  const { width = 160, height = 128, train = 1600, val = 400, seed = 0 } = options;
  const requireInteger = (what: string, value: number, min: number, max: number) => {
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new RangeError(
      `Cannot make scenes: need ${min} to ${max} ${what}, current value is ${value}`,
    );
  };
  requireInteger("pixels of width", width, 32, 512);
  requireInteger("pixels of height", height, 32, 512);
  requireInteger("scenes for training", train, 1, 1_000_000);
  requireInteger("scenes for validation", val, 1, 1_000_000);
  return { width, height, train, val, seed };
}

/**
 * Name of a folder, `160x128-1600-400-seed0-1a2b3c4d`: the options, and a hash of all else that
 * determines the scenes.
 */
async function scenesPath(folder: string, options: Required<SceneOptions>): Promise<string> {
  const { width, height, train, val, seed } = options;
  const madeFrom = `format ${format}, librsvg ${sharp.versions.rsvg}, ${emojiPackages()}`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(madeFrom));
  const key = new Uint8Array(hash).toHex().slice(0, 8);
  return join(folder, `${width}x${height}-${train}-${val}-seed${seed}-${key}`);
}

/** Makes a folder under a temporary name, then renames it, so that it is never incomplete. */
async function makeWhole(path: string, make: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await make(partial);
    await Deno.rename(partial, path);
  } catch (error) {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
    if (!await exists(path)) throw error; // if it exists, another process has made the same scenes
  }
}

/** Removes scenes of the same options that were made with other packages. */
async function removeOlder(path: string): Promise<void> {
  const prefix = basename(path).slice(0, -8);
  for (const { name } of [...Deno.readDirSync(dirname(path))]) {
    const older = name.startsWith(prefix) && name !== basename(path) && !name.endsWith(".tmp");
    if (older) await Deno.remove(join(dirname(path), name), { recursive: true });
  }
}

async function makeScenes(
  folder: string,
  options: Required<SceneOptions>,
  onProgress: PackProgress,
): Promise<void> {
  const pack = await openEmojiPack(drawingSize);
  const { classes, ...drawings } = sceneDrawings(pack, options.seed);
  const total = options.train + options.val;
  let done = 0;
  for (const split of ["train", "val"] as const) {
    const sprites = drawings[split].map((drawing) => ({
      label: classes.indexOf(pack.drawings[drawing]!.identity),
      sprite: makeSprite(pack.raster(drawing), pack.size),
    }));
    await Deno.mkdir(join(folder, split), { recursive: true });
    const set = await makeSplit(join(folder, split), split, sprites, options, () => {
      if (++done % 100 === 0 || done === total) onProgress(done, total);
    });
    await Deno.mkdir(join(folder, "annotations"), { recursive: true });
    const json = cocoJson({ ...set, categories: categoriesOf(pack, classes) }, describe(options));
    await Deno.writeTextFile(join(folder, "annotations", `instances_${split}.json`), json);
  }
}

function describe({ width, height, seed }: Required<SceneOptions>): string {
  return `Scenes of emoji, ${width} x ${height} pixels, seed ${seed}, format ${format}`;
}

function categoriesOf({ identities }: EmojiPack, classes: readonly number[]) {
  return classes.map((identity, label) => ({ id: label + 1, name: identities[identity]!.label }));
}

/** Writes the pictures of a split, and returns its images and annotations. */
async function makeSplit(
  folder: string,
  split: Split,
  sprites: readonly SceneSprite[],
  { width, height, seed, ...counts }: Required<SceneOptions>,
  onScene: () => void,
): Promise<CocoSet> {
  const rng = createRng(seed).fork("scenes").fork(split);
  const images = Array.from({ length: counts[split] }, (_, i) => ({
    id: i + 1,
    fileName: `${String(i + 1).padStart(6, "0")}.png`,
    height,
    width,
  }));
  const objects = await mapInOrder(images, inFlight, async ({ id, fileName }) => {
    const { pixels, objects } = drawScene(rng.fork(id), sprites, height, width);
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 6, adaptiveFiltering: true }).toFile(join(folder, fileName));
    onScene();
    return objects.map((object) => annotationOf(object, id, height, width));
  });
  const annotations = objects.flat().map((annotation, i) => ({ ...annotation, id: i + 1 }));
  return {
    name: split,
    folder,
    images,
    categories: [],
    annotations: Map.groupBy(annotations, ({ imageId }) => imageId),
  };
}

function annotationOf(
  { label, mask }: SceneObject,
  imageId: number,
  height: number,
  width: number,
): Omit<CocoAnnotation, "id"> {
  const segmentation = encodeMask(mask, height, width);
  return {
    imageId,
    categoryId: label + 1,
    box: rleBox(segmentation),
    area: rleArea(segmentation),
    crowd: false,
    segmentation,
  };
}
