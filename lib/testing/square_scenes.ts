/**
 * A small data set in COCO's format, of squares in plain colours on textures. A detector learns it
 * in a minute.
 */
import { join } from "@std/path";
import sharp from "sharp";
import { cocoJson } from "lib/datasets/coco/coco_json.ts";
import type { CocoAnnotation } from "lib/datasets/coco/coco_set.ts";
import { encodeMask, rleArea, rleBox } from "lib/datasets/coco/rle.ts";
import { drawScene } from "lib/datasets/coco/scene.ts";
import { makeSprite } from "lib/datasets/pictures/place.ts";
import { createRng } from "lib/rng.ts";

const colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]] as const;
const sprites = colours.map((colour, label) => ({
  label,
  sprite: makeSprite(
    Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => i % 4 === 3 ? 255 : colour[i % 4]!),
    64,
  ),
}));

/**
 * Writes the pictures, `<split>/`, and `annotations/instances_<split>.json`, where a detector's
 * data config looks for them.
 */
export async function writeSquareScenes(
  folder: string,
  split: string,
  { count, height, width }: {
    readonly count: number;
    readonly height: number;
    readonly width: number;
  },
): Promise<void> {
  const images = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    fileName: `${i + 1}.png`,
    height,
    width,
  }));
  await Deno.mkdir(join(folder, split), { recursive: true });
  await Deno.mkdir(join(folder, "annotations"), { recursive: true });
  const all: CocoAnnotation[] = [];
  for (const { id, fileName } of images) {
    const { pixels, objects } = drawScene(
      createRng(1).fork(split).fork(id),
      sprites,
      height,
      width,
    );
    await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(
      join(folder, split, fileName),
    );
    for (const { label, mask } of objects) {
      const segmentation = encodeMask(mask, height, width);
      const [box, area] = [rleBox(segmentation), rleArea(segmentation)];
      const ofImage = { id: all.length + 1, imageId: id, categoryId: label + 1 };
      all.push({ ...ofImage, box, area, crowd: false, segmentation });
    }
  }
  const categories = colours.map((_, label) => ({ id: label + 1, name: `square ${label}` }));
  const annotations = Map.groupBy(all, ({ imageId }) => imageId);
  const set = { name: split, folder, images, categories, annotations };
  const path = join(folder, "annotations", `instances_${split}.json`);
  await Deno.writeTextFile(path, cocoJson(set, "squares"));
}
