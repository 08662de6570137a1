import golden from "lib/datasets/golden/pictures.json" with { type: "json" };
import { raster } from "lib/augment/mod.ts";
import { centerCrop, centerCrops, takeImages } from "./center_crops.ts";
import { decodePicture } from "./decode_picture.ts";
import type { ImageSet } from "./images.ts";
import { labelled, storedInFolder } from "./picture_index.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

for (const { width, height, size, image, rgb } of golden.evaluation) {
  // Pillow 13 resizes the columns of a tall image first, which moves some roundings; before, it
  // never did, nor do we.
  const most = height > 2 * width ? 1 : 0;
  Deno.test(`centerCrop() of ${width} x ${height} to ${size} equals torchvision's within ${most}/255`, () => {
    const whole = raster(width, height, 3, Uint8Array.fromBase64(image));
    const expected = Uint8Array.fromBase64(rgb);
    const { data } = centerCrop(whole, size);
    assertEquals(data.length, expected.length);
    const wrong = data.findIndex((value, i) => Math.abs(value - expected[i]!) > most);
    assertTrue(wrong < 0, `value ${wrong} differs`);
  });
}

const names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"];

async function stored(folder: string) {
  for (const [i, name] of names.entries()) {
    await Deno.writeFile(`${folder}/${name}`, await jpeg(i, 40 + i, 33));
  }
  const classNames = ["p", "q", "r", "s", "t"];
  return labelled(storedInFolder("five", folder, names), classNames, (i) => 4 - i);
}

const options = { size: 14, log: () => {} };

Deno.test("centerCrops() streams all pictures in their order, the last batch as long as it is", () =>
  inTempFolder(async (folder) => {
    const set = await stored(folder);
    const batches = await Array.fromAsync(centerCrops(set, { ...options, batchSize: 2 }));
    assertEquals(batches.map(({ ids }) => ids), [["a.jpg", "b.jpg"], ["c.jpg", "d.jpg"], [
      "e.jpg",
    ]]);
    assertEquals(batches.flatMap(({ labels }) => [...labels]), [4, 3, 2, 1, 0]);
    for (const [i, name] of names.entries()) {
      const whole = await decodePicture(await Deno.readFile(`${folder}/${name}`));
      const pixels = batches[i >> 1]!.pixels.subarray((i & 1) * 14 * 14 * 3).subarray(0, 588);
      assertEquals(pixels, centerCrop(whole, 14).data);
    }
    const [c, a] = [batches[1]!, batches[0]!].map(({ pixels }) => pixels.subarray(0, 588));
    const taken = await takeImages(set, [2, 0], options);
    assertEquals(taken.pixels, new Uint8Array([...c!, ...a!]));
    assertEquals([...taken.labels], [2, 4]);
  }));

Deno.test("centerCrops() gives the picture after a damaged one, with its own label, and says so once", () =>
  inTempFolder(async (folder) => {
    const set = await stored(folder);
    await Deno.writeTextFile(`${folder}/b.jpg`, "no picture");
    await Deno.truncate(`${folder}/e.jpg`, 900);
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const run = (maxBadFraction: number) =>
      Array.fromAsync(centerCrops(set, { ...options, batchSize: 3, maxBadFraction, log }));
    const batches = await run(0.5);
    assertEquals(batches.flatMap(({ ids }) => ids), ["a.jpg", "c.jpg", "c.jpg", "d.jpg", "a.jpg"]);
    assertEquals(batches.flatMap(({ labels }) => [...labels]), [4, 2, 2, 1, 4]);
    assertTrue(said.length === 2 && said[0]!.includes(`b.jpg of "five"`), said.join("\n"));
    await assertRejects(() => run(0.3), Error, "2 of 5 pictures are damaged, first b.jpg");
  }));

Deno.test("centerCrops() gives images in memory as they are", async () => {
  const set: ImageSet = {
    name: "three",
    height: 1,
    width: 1,
    pixels: Uint8Array.from({ length: 9 }, (_, i) => i),
    labels: Int32Array.of(0, 1, 0),
    classNames: ["a", "b"],
    ids: ["x", "y", "z"],
  };
  const batches = await Array.fromAsync(centerCrops(set, { size: 14, batchSize: 2 }));
  assertEquals(batches.map(({ pixels }) => [...pixels]), [[0, 1, 2, 3, 4, 5], [6, 7, 8]]);
  assertEquals((await takeImages(set, [2], { size: 14 })).ids, ["z"]);
});

Deno.test("centerCrops() resizes images in memory if it is asked to, and leaves those of the size", async () => {
  const pixels = Uint8Array.from({ length: 3 * 20 * 12 * 3 }, (_, i) => (i * 37) % 256);
  const images: ImageSet = {
    ...{ name: "made", width: 20, height: 12, pixels, classNames: ["a"] },
    labels: new Int32Array(3),
    ids: ["0", "1", "2"],
  };
  const resize = { size: 8, shortSide: 8, resizeAll: true, batchSize: 2 };
  const sizes: number[] = [];
  for await (const part of centerCrops(images, resize)) {
    assertEquals([part.width, part.height], [8, 8]);
    const first = raster(20, 12, 3, pixels.subarray(sizes.length * 2 * 720).subarray(0, 720));
    assertEquals([...part.pixels.subarray(0, 192)], [...centerCrop(first, 8, 8).data]);
    sizes.push(part.labels.length);
  }
  assertEquals(sizes, [2, 1]);
  const square = { ...images, width: 12, pixels: pixels.subarray(0, 3 * 432) };
  for await (const part of centerCrops(square, { size: 12, shortSide: 12, resizeAll: true })) {
    assertEquals([...part.pixels], [...square.pixels]);
  }
});
