import type { CocoAnnotation, CocoSet } from "lib/datasets/coco/coco_set.ts";
import { openAnnotatedPictures } from "./training_pictures.ts";
import { openDetectorBatches } from "./detector_batches.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";

const [height, width] = [30, 40];

/** Image 1 has an object and a crowd, 2 a crowd, 3 nothing, 4 two objects; categories 7 and 90. */
async function withSet(run: (set: CocoSet) => Promise<void>): Promise<void> {
  await inTempFolder(async (folder) => {
    const images = [1, 2, 3, 4].map((id) => ({ id, fileName: `${id}.jpg`, height, width }));
    for (const { id, fileName } of images) {
      await Deno.writeFile(`${folder}/${fileName}`, await jpeg(id, width, height));
    }
    const square = (x: number, y: number, side: number) => [
      [x, y, x + side, y, x + side, y + side, x, y + side],
    ];
    const annotation = (imageId: number, categoryId: number, x: number, crowd: boolean) => ({
      id: 10 * imageId + x,
      imageId,
      categoryId,
      box: [x, 4, 8, 8],
      area: 64,
      crowd,
      segmentation: square(x, 4, 8),
    } as const satisfies CocoAnnotation);
    const annotations = new Map([
      [1, [annotation(1, 90, 3, false), annotation(1, 7, 20, true)]],
      [2, [annotation(2, 7, 5, true)]],
      [4, [annotation(4, 7, 32.5, false), annotation(4, 90, 12, false)]],
    ]);
    const categories = [{ id: 7, name: "a" }, { id: 90, name: "b" }];
    await run({ name: "set", folder, images, categories, annotations });
  });
}

Deno.test("openAnnotatedPictures() gives images with objects, crowds not among them, and labels from 1", () =>
  withSet(async (set) => {
    const reader = openAnnotatedPictures(set);
    assertEquals(reader.images.map(({ id }) => id), [1, 4]);
    const [first, second] = [await reader.read(0), await reader.read(1)];
    assertEquals([...first.targets.labels], [2]);
    assertEquals([...first.targets.boxes], [3, 4, 11, 12]);
    assertEquals(first.targets.masks[0]!.reduce((sum, value) => sum + value, 0), 64);
    assertEquals(first.targets.masks[0]![5 * width + 4], 1);
    assertEquals([...second.targets.labels], [1, 2]);
    assertClose(second.targets.boxes, [32.5, 4, 40, 12, 12, 4, 20, 12], 1e-6); // cut at the edge
    assertEquals([first.picture.width, first.picture.height], [width, height]);
  }));

Deno.test("a damaged picture is reported and the next one is read instead, or the training ends", () =>
  withSet(async (set) => {
    Deno.writeTextFileSync(`${set.folder}/4.jpg`, "no picture");
    const lines: string[] = [];
    const reader = openAnnotatedPictures(set, { log: (line) => lines.push(line) });
    const good = await reader.read(0);
    assertEquals(await reader.read(1), good);
    assertEquals(lines.length, 1);
    assertTrue(lines[0]!.includes("4.jpg, image 4 of "), lines[0]!);
    const strict = openAnnotatedPictures(set, { onFault: "stop" });
    await assertRejects(() => strict.read(1), Error, "4.jpg, image 4 of ");
    Deno.writeTextFileSync(`${set.folder}/1.jpg`, "no picture");
    await assertRejects(() => reader.read(0), Error, "none of its pictures");
  }));

Deno.test("openDetectorBatches() makes the same batch ahead of time and at its own", () =>
  withSet(async (set) => {
    const augment = { flip: 0.5, shortSides: [24, 30], longSide: 60, crop: null };
    const open = () =>
      openDetectorBatches(
        openAnnotatedPictures(set),
        { augment, stats: imageNetStats },
        createRng(3),
      );
    const indices = Uint32Array.of(1, 0, 1);
    const [ahead, alone] = [open(), open()];
    assertEquals(ahead.count, 2);
    ahead.prefetch(indices, 5);
    const batch = await ahead.next(indices, 5);
    assertEquals(batch, await alone.next(indices, 5));
    assertEquals(batch.targets.map(({ labels }) => [...labels]), [[1, 2], [2], [1, 2]]);
    assertEquals([batch.pixels.height % 32, batch.pixels.width % 32], [0, 0]);
    const others = await Promise.all([6, 7, 8, 9].map((step) => alone.next(indices, step)));
    const seen = new Set([batch, ...others].map(({ targets }) => String(targets[0]!.boxes)));
    assertTrue(seen.size > 1, "another augmentation at another step");
  }));
