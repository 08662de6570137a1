/**
 * Crops of pictures in files: they are the same whichever thread makes them. Also: what happens to
 * pictures that cannot be read.
 */
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { normalizeTable } from "lib/augment/mod.ts";
import { labelled, storedInArchive, storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { createRng } from "lib/rng.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { type CropBatch, emptyCropBatch, multiCrop } from "./batch.ts";
import type { CropRecipe } from "./crop_recipe.ts";
import { sampleViews } from "./sample.ts";
import { createCropper, type CropperOptions } from "./cropper.ts";
import { decodeShrunk, shrinkFor } from "./shrink.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const recipe: CropRecipe = { ...dinoCrops, globalSize: 12, localSize: 8, localCrops: 2 };
const rng = createRng(4).fork("crops");
const options = (workers: number): CropperOptions => ({ rng, workers, log: () => {} });
const steps = [[0, 3, 6, 2, 5], [5, 1, 2, 7, 7], [4, 4, 0, 1, 3], [6, 5, 4, 3, 2]].map((batch) =>
  Uint32Array.from(batch)
);

/** Eight pictures of eight sizes; the third and the last are cut short. */
async function write(folder: string): Promise<StoredImages> {
  const names = Array.from({ length: 8 }, (_, i) => `${i}.jpg`);
  for (const [i, name] of names.entries()) {
    const bytes = await jpeg(i, 40 + 5 * i, 60 - 4 * i);
    await Deno.writeFile(`${folder}/${name}`, i === 2 || i === 7 ? bytes.subarray(0, 700) : bytes);
  }
  return labelled(storedInFolder("eight", folder, names), ["all"], () => 0);
}

async function inArchive(set: StoredImages, folder: string): Promise<StoredImages> {
  let offset = 0;
  const parts: Uint8Array[] = [];
  const pictures = [];
  for (let i = 0; i < 8; i++) {
    const bytes = await Deno.readFile(`${folder}/${i}.jpg`);
    pictures.push({ id: `${i}`, offset, length: bytes.length });
    parts.push(bytes);
    offset += bytes.length;
  }
  await Deno.writeFile(
    `${folder}/all.bin`,
    new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()),
  );
  return storedInArchive(set.name, `${folder}/all.bin`, pictures);
}

/**
 * The expected views of a batch: those of each picture or, if it is damaged, of the next good one.
 */
async function expected(folder: string, indices: Uint32Array, step: number): Promise<CropBatch> {
  const batch = emptyCropBatch(indices.length, recipe);
  for (const [position, index] of indices.entries()) {
    const instead = index === 2 ? 3 : index === 7 ? 0 : index;
    const image = await decodePicture(await Deno.readFile(`${folder}/${instead}.jpg`));
    const views = sampleViews(rng.fork(step).fork(position), recipe, image);
    multiCrop(image, views, recipe, batch, position, normalizeTable(recipe.stats));
  }
  return batch;
}

/** Copies a batch: the next call overwrites it. */
function copy({ images, global, local }: CropBatch): CropBatch {
  return { images, global: Float32Array.from(global), local: Float32Array.from(local) };
}

for (
  const [workers, place] of [[0, "files"], [0, "an archive"], [1, "files"], [2, "an archive"], [
    3,
    "files",
  ]] as const
) {
  Deno.test(`next() with ${workers} threads makes the same views from ${place}, damaged pictures replaced`, () =>
    inTempFolder(async (folder) => {
      const files = await write(folder);
      const set = place === "files" ? files : await inArchive(files, folder);
      const views = await Promise.all(steps.map((batch, step) => expected(folder, batch, step)));
      using cropper = createCropper(set, recipe, { ...options(workers), maxBadFraction: 0.25 });
      assertEquals([cropper.count, cropper.workers], [8, workers]);
      for (const [step, indices] of steps.entries()) {
        const batch = cropper.next(indices, step);
        for (const ahead of [1, 2]) {
          const later = steps[step + ahead];
          if (later) cropper.prefetch(later, step + ahead);
        }
        assertEquals(copy(await batch), views[step]);
      }
    }));
}

for (const workers of [0, 2]) {
  Deno.test(`next() with ${workers} threads names damaged pictures once and stops at the step where they are too many`, () =>
    inTempFolder(async (folder) => {
      const set = await write(folder);
      const said: string[] = [];
      const log = (line: string) => void said.push(line);
      using cropper = createCropper(set, recipe, { ...options(workers), maxBadFraction: 0.2, log });
      await cropper.next(steps[0]!, 0);
      cropper.prefetch(steps[1]!, 1);
      cropper.prefetch(steps[2]!, 2);
      await assertRejects(
        () => cropper.next(steps[1]!, 1),
        Error,
        `Cannot go on with "eight": 2 of 8 pictures are damaged, first 2.jpg`,
      );
      assertEquals(said.map((line) => line.split(" ")[1]), ["2.jpg", "7.jpg"]);
    }));

  Deno.test(`next() with ${workers} threads says which file is gone, the first of the batch`, () =>
    inTempFolder(async (folder) => {
      const set = await write(folder);
      using cropper = createCropper(set, recipe, { ...options(workers), maxBadFraction: 1 });
      await cropper.next(steps[0]!, 0);
      for (const name of ["4.jpg", "0.jpg", "1.jpg"]) await Deno.remove(`${folder}/${name}`);
      const text = `Cannot read picture 4.jpg of "eight" from ${folder}/4.jpg: ENOENT; put it back`;
      await assertRejects(() => cropper.next(steps[2]!, 2), Error, text);
      await cropper.next(Uint32Array.of(3, 5), 4);
    }));
}

Deno.test("decodeShrunk() decodes what the boxes need, and views stay within 6/255 of the whole picture's", async () => {
  const bytes = await jpeg(3, 403, 301);
  const plain = { ...recipe, blur: [0, 0, 0] as const, solarize: 0, grayscale: 0 };
  const still = { ...plain, jitter: { ...plain.jitter, probability: 0 } };
  const draw = (size: { width: number; height: number }) => sampleViews(createRng(5), still, size);
  const whole = await decodePicture(bytes);
  const shrunk = await decodeShrunk(bytes, still, draw);
  assertEquals([shrunk.image.width, shrunk.image.height], [100, 75]);
  const values = normalizeTable(still.stats);
  const [a, b] = [emptyCropBatch(1, still), emptyCropBatch(1, still)];
  multiCrop(whole, draw(whole), still, a, 0, values);
  multiCrop(shrunk.image, shrunk.views, still, b, 0, values);
  for (const kind of ["global", "local"] as const) {
    const most = a[kind].reduce((far, value, i) => {
      return Math.max(far, Math.abs(value - b[kind][i]!) * still.stats.std[i % 3]! * 255);
    }, 0);
    assertTrue(most < 6, `${kind} views differ by ${most}/255`);
  }
  assertEquals((await decodeShrunk(await jpeg(4, 60, 50), still, draw)).image.width, 60);
});

Deno.test("shrinkFor() leaves every box twice its view's pixels", () => {
  const box = (width: number, height: number) => ({
    ...sampleViews(rng, recipe, { width: 9, height: 9 })[0]!,
    box: { left: 0, top: 0, width, height },
  });
  const [large, local] = [box(500, 500), box(500, 500)];
  assertEquals(shrinkFor([large, large, local], recipe), 8);
  assertEquals(shrinkFor([large, large, box(500, 127)], recipe), 4);
  assertEquals(shrinkFor([box(95, 500), large, local], recipe), 2);
  assertEquals(shrinkFor([box(47, 500), large, local], recipe), 1);
});
