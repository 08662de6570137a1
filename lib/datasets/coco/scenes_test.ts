import { cocoJson } from "./coco_json.ts";
import { annotationsOf, type CocoSet, maskOf, readCocoPicture } from "./coco_set.ts";
import { loadCoco } from "./load_coco.ts";
import { decodeMask, encodeMask, rleArea, rleBox } from "./rle.ts";
import { drawScene, leastVisible } from "./scene.ts";
import { numSceneClasses, sceneDrawings } from "./scene_drawings.ts";
import { openScenes } from "./scenes.ts";
import { loadEmoji } from "lib/datasets/emoji/emoji.ts";
import { openEmojiPack } from "lib/datasets/emoji/emoji_pack.ts";
import { makeSprite } from "lib/datasets/pictures/place.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";

const [height, width] = [48, 80];

/** Opaque squares, each in a colour of its own with channels of 0 or 255, which no texture has. */
const colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255]] as const;
const squares = colours.map((colour, label) => ({
  label,
  sprite: makeSprite(
    Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => i % 4 === 3 ? 255 : colour[i % 4]!),
    64,
  ),
}));
const scenes = Array.from(
  { length: 60 },
  (_, i) => drawScene(createRng(3).fork(i), squares, height, width),
);

Deno.test("drawScene()'s masks show to the pixel which object is on top", () => {
  let inside = 0;
  for (const { pixels, objects } of scenes) {
    for (const { label, mask } of objects) {
      for (let p = 0; p < mask.length; p++) {
        const block = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => mask[p + y * width + x]));
        const [x, y] = [p % width, Math.floor(p / width)];
        if (x < 1 || y < 1 || x > width - 2 || y > height - 2 || block.includes(0)) continue;
        assertEquals([...pixels.subarray(3 * p, 3 * p + 3)], [...colours[label]!]);
        inside++;
      }
    }
    const covered = new Uint8Array(height * width);
    for (const { mask } of objects) mask.forEach((value, p) => covered[p]! += value);
    for (let p = 0; p < covered.length; p++) {
      const pure = colours.some((colour) =>
        colour.every((value, c) => pixels[3 * p + c] === value)
      );
      assertTrue(covered[p]! <= 1, "two objects own one pixel");
      assertTrue(covered[p] === 1 || !pure, "an object's pixel is in no mask");
    }
  }
  assertTrue(inside > 5000, `${inside} pixels looked at`);
});

Deno.test("drawScene() shows enough of every object, hides some, cuts some, and leaves scenes empty", () => {
  const objects = scenes.flatMap(({ objects }) => objects);
  const shares = objects.map(({ mask, wholeArea }) => {
    const visible = mask.reduce((sum, value) => sum + value, 0);
    assertTrue(visible >= leastVisible.pixels, `${visible} pixels`);
    return visible / wholeArea;
  });
  assertTrue(shares.every((share) => share >= leastVisible.share && share <= 1), "shares");
  assertTrue(shares.filter((share) => share < 0.8).length > 0.1 * shares.length, "hidden or cut");
  assertTrue(shares.filter((share) => share === 1).length > 0.3 * shares.length, "whole");
  assertTrue(new Set(objects.map(({ label }) => label)).size === squares.length, "all labels");
  const counts = Array.from(
    { length: 200 },
    (_, i) => drawScene(createRng(4).fork(i), squares, 32, 32).objects.length,
  );
  const empty = counts.filter((count) => count === 0).length;
  assertTrue(empty > 2 && empty < 30, `${empty} of 200 empty`);
});

Deno.test("drawScene() is the same for the same stream", () => {
  const [again, other] = [7, 8].map((i) => drawScene(createRng(3).fork(i), squares, height, width));
  assertEquals(again, scenes[7]);
  assertTrue(other!.pixels.some((value, i) => value !== again!.pixels[i]), "another stream");
});

Deno.test("sceneDrawings() validates on drawings and styles that training does not see, nor pre-training", async () => {
  const pack = await openEmojiPack(128);
  const { classes, train, val } = sceneDrawings(pack, 0);
  assertEquals([classes.length, new Set(classes).size], [numSceneClasses, numSceneClasses]);
  const id = (drawing: number) => {
    const { style, identity } = pack.drawings[drawing]!;
    return `${style}/${pack.identities[identity]!.hexcode}`;
  };
  const { pretrain, test } = await loadEmoji({ size: 8 });
  assertTrue(train.every((drawing) => pretrain.ids.includes(id(drawing))), "train");
  assertTrue(val.every((drawing) => test.ids.includes(id(drawing))), "val");
  const identities = (drawings: readonly number[]) =>
    [...new Set(drawings.map((drawing) => pack.drawings[drawing]!.identity))].sort();
  assertEquals(identities(train), classes.toSorted());
  assertEquals(identities(val), classes.toSorted());
  assertTrue(train.length >= 4 * numSceneClasses, `${train.length} drawings`);
});

const options = { width: 96, height: 64, train: 12, val: 5, seed: 2 };

/** Everything about a set except its folder. */
async function contents(set: CocoSet) {
  const pictures = await Promise.all(set.images.map((image) => readCocoPicture(set, image)));
  return { images: set.images, annotations: set.annotations, pictures };
}

Deno.test("openScenes() writes files that loadCoco() reads without a fault, with the masks as drawn", () =>
  inTempFolder(async (folder) => {
    const { train, val } = await openScenes(options, { folder });
    assertEquals([train.images.length, val.images.length], [12, 5]);
    assertEquals(train.categories.map(({ id }) => id), Array.from({ length: 20 }, (_, i) => i + 1));
    for (const set of [train, val]) {
      for (const image of set.images) {
        const picture = await readCocoPicture(set, image);
        assertEquals([picture.height, picture.width], [64, 96]);
        for (const annotation of annotationsOf(set, image)) {
          const mask = maskOf(annotation, image);
          assertEquals([rleArea(mask), rleBox(mask)], [annotation.area, annotation.box]);
          assertTrue(annotation.area >= leastVisible.pixels, `${annotation.area} pixels`);
          assertEquals(encodeMask(decodeMask(mask), 64, 96), mask);
        }
      }
    }
    const pack = await openEmojiPack(128);
    const drawings = sceneDrawings(pack, 2);
    const sprites = drawings.val.map((drawing) => ({
      label: drawings.classes.indexOf(pack.drawings[drawing]!.identity),
      sprite: makeSprite(pack.raster(drawing), 128),
    }));
    const scene = drawScene(createRng(2).fork("scenes").fork("val").fork(3), sprites, 64, 96);
    const third = val.images[2]!;
    assertEquals(Uint8Array.from((await readCocoPicture(val, third)).data), scene.pixels);
    assertEquals(
      annotationsOf(val, third).map((a) => [a.categoryId, decodeMask(maskOf(a, third))]),
      scene.objects.map(({ label, mask }) => [label + 1, mask]),
    );
  }));

Deno.test("openScenes() makes the same scenes again, for any number of them, and others for another seed", () =>
  inTempFolder(async (folder) => {
    const first = await contents((await openScenes(options, { folder: `${folder}/a` })).train);
    const fewer = { ...options, train: 7 };
    const again = await contents((await openScenes(fewer, { folder: `${folder}/b` })).train);
    assertEquals(again.pictures, first.pictures.slice(0, 7));
    const other = { ...options, seed: 3 };
    const moved = await contents((await openScenes(other, { folder: `${folder}/b` })).train);
    assertTrue(moved.pictures[0]!.data.some((v, i) => v !== first.pictures[0]!.data[i]), "moved");
  }));

Deno.test("openScenes() makes scenes once and completely, and removes older ones", () =>
  inTempFolder(async (folder) => {
    const progress: number[] = [];
    const open = (onProgress = (done: number) => void progress.push(done)) =>
      openScenes(options, { folder, onProgress });
    const failing = () => {
      throw new Error("the disk is full");
    };
    await assertRejects(() => open(failing), Error, "the disk is full");
    assertEquals([...Deno.readDirSync(folder)], []);
    await Promise.all([open(), open()]); // the slower one takes the scenes of the faster one
    const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry];
    assertEquals([...Deno.readDirSync(folder)].length, 1);
    assertEquals(progress, [17, 17]);
    await Deno.mkdir(`${folder}/${name.slice(0, -8)}00000000`); // scenes made with other packages
    await Deno.mkdir(`${folder}/96x64-9-5-seed2-00000000`); // scenes of other options
    await open();
    assertEquals([progress.length, [...Deno.readDirSync(folder)].length], [2, 3]);
    await Deno.remove(`${folder}/${name}`, { recursive: true });
    await open();
    assertEquals(
      [...Deno.readDirSync(folder)].map((entry) => entry.name).sort(),
      [
        name,
        "96x64-9-5-seed2-00000000",
      ].sort(),
    );
  }));

Deno.test("openScenes() names an option that is out of range", async () => {
  await assertRejects(() => openScenes({ width: 16 }), RangeError, "32 to 512 pixels of width");
  await assertRejects(() => openScenes({ train: 0 }), RangeError, "current value is 0");
  await assertRejects(() => openScenes({ seed: 0.5 }), RangeError, "integer");
});

Deno.test("cocoJson() writes polygons, masks and crowds that loadCoco() reads back", () =>
  inTempFolder(async (folder) => {
    const image = { id: 4, fileName: "4.png", height: 10, width: 20 };
    const common = { imageId: 4, categoryId: 2, area: 12 };
    const mask = encodeMask(Uint8Array.from({ length: 200 }, (_, p) => p % 20 < 3 ? 1 : 0), 10, 20);
    const set: CocoSet = {
      name: "a",
      folder,
      images: [image, { ...image, id: 9 }],
      categories: [{ id: 2, name: "a “thing”" }],
      annotations: new Map([[4, [
        {
          ...common,
          id: 1,
          box: [1, 1, 4, 3],
          crowd: false,
          segmentation: [[1, 1, 5, 1, 5, 4.25]],
        },
        { ...common, id: 2, box: [0, 0, 3, 10], crowd: true, segmentation: mask },
      ]]]),
    };
    await Deno.writeTextFile(`${folder}/4.png`, "");
    await Deno.writeTextFile(`${folder}/a.json`, cocoJson(set, "two"));
    assertEquals((await loadCoco(`${folder}/a.json`, { folder, onFault: "stop" })).set, set);
  }));
