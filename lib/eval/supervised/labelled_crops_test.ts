import sharp from "sharp";
import { createRng } from "lib/rng.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { labelled, storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import { openLabelledCrops } from "./labelled_crops.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const [width, height, count] = [20, 14, 6];
const pixels = Uint8Array.from({ length: count * width * height * 3 }, (_, i) => (i * 7919) % 251);
const names = Array.from({ length: count }, (_, i) => `${i}.png`);
const set: ImageSet = {
  name: "noise",
  width,
  height,
  pixels,
  labels: Int32Array.of(0, 1, 2, 0, 1, 2),
  classNames: ["a", "b", "c"],
  ids: names,
};
const options = { size: 8, scale: [0.3, 1], stats: imageNetStats, rng: createRng(4) } as const;

/** Calls `run` with a folder that holds the set's images as files. */
async function inFiles(run: (folder: string) => Promise<void>): Promise<void> {
  await inTempFolder(async (folder) => {
    const length = width * height * 3;
    for (const [i, name] of names.entries()) {
      const bytes = pixels.subarray(i * length, (i + 1) * length);
      await sharp(bytes, { raw: { width, height, channels: 3 } }).png().toFile(`${folder}/${name}`);
    }
    await run(folder);
  });
}

const storedIn = (folder: string) =>
  labelled(storedInFolder("noise", folder, names), set.classNames, (i) => set.labels[i]!);

Deno.test("openLabelledCrops() gives the same crops of images in memory and in files, prefetched or not", () =>
  inFiles(async (folder) => {
    using inMemory = openLabelledCrops(set, options);
    using stored = openLabelledCrops(storedIn(folder), options);
    const batches = [[0, 3, 5], [1, 1], [4, 2, 0]].map((indices) => Uint32Array.from(indices));
    stored.prefetch(batches[1]!, 1);
    stored.prefetch(batches[2]!, 2);
    for (const [step, indices] of batches.entries()) {
      const expected = await inMemory.next(indices, step);
      assertEquals(expected.pixels.length, indices.length * 8 * 8 * 3);
      assertEquals([...expected.labels], [...indices].map((i) => set.labels[i]!));
      assertEquals(await stored.next(indices, step), expected);
    }
    const again = await inMemory.next(batches[0]!, 3);
    const first = await inMemory.next(batches[0]!, 0);
    assertTrue(again.pixels.some((value, i) => value !== first.pixels[i]), "steps are alike");
  }));

Deno.test("openLabelledCrops() puts the next picture and its class in the place of a damaged one, and names a lost file", () =>
  inFiles(async (folder) => {
    await Deno.writeTextFile(`${folder}/1.png`, "no picture");
    await Deno.remove(`${folder}/4.png`);
    const set = storedIn(folder);
    const told: string[] = [];
    const log = (line: string) => void told.push(line);
    using few = openLabelledCrops(set, { ...options, log });
    await assertRejects(() => few.next(Uint32Array.of(1), 0), Error, "1 of 6 pictures are damaged");
    using crops = openLabelledCrops(set, { ...options, maxBadFraction: 0.5, log });
    assertEquals([...(await crops.next(Uint32Array.of(1), 0)).labels], [2]);
    assertTrue(told.at(-1)!.includes("1.png"), told.join("\n"));
    await assertRejects(() => crops.next(Uint32Array.of(4), 1), Error, "4.png");
  }));
