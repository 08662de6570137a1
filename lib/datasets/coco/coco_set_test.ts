import sharp from "sharp";
import { readCocoPicture } from "./coco_set.ts";
import { orientationOf, turned } from "./exif_turn.ts";
import { loadCoco } from "./load_coco.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";

const empty = { images: [], categories: [], annotations: new Map() };

Deno.test("readCocoPicture() gives the pixels, and names a picture of another size or none", () =>
  inTempFolder(async (folder) => {
    const red = { width: 20, height: 10, channels: 3, background: "red" } as const;
    await sharp({ create: red }).png().toFile(`${folder}/1.png`);
    await Deno.writeTextFile(`${folder}/2.png`, "no picture");
    const set = { ...empty, name: "coco", folder };
    const image = (id: number) => ({ id, fileName: `${id}.png`, width: 20, height: 10 });
    const { data, height, width } = await readCocoPicture(set, image(1));
    assertEquals([height, width, ...data.subarray(0, 3)], [10, 20, 255, 0, 0]);
    await assertRejects(
      () => readCocoPicture(set, image(2)),
      Error,
      `Cannot read ${folder}/2.png, image 2 of "coco"`,
    );
    await assertRejects(
      () => readCocoPicture(set, { ...image(1), height: 20, width: 10 }),
      Error,
      "it is 20 × 10 pixels, its annotations are for 10 × 20",
    );
  }));

/** Writes a picture with EXIF's orientation: left half red, right half blue, top row green. */
async function turnedPicture(path: string, width: number, height: number, orientation: number) {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data[3 * i + (y === 0 ? 1 : x < width / 2 ? 0 : 2)] = 255;
  }
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  await picture.withMetadata({ orientation }).png().toFile(path);
}

for (const orientation of [5, 6, 7, 8]) {
  Deno.test(`readCocoPicture() turns a picture as EXIF's orientation ${orientation} says, if it is annotated for that`, () =>
    inTempFolder(async (folder) => {
      const path = `${folder}/1.png`;
      await turnedPicture(path, 6, 4, orientation);
      const set = { ...empty, name: "x", folder };
      const read = (width: number, height: number) =>
        readCocoPicture(set, { id: 1, fileName: "1.png", width, height });
      const upright = await read(4, 6);
      const { data, info } = await sharp(path).rotate().raw().toBuffer({ resolveWithObject: true });
      assertEquals([upright.width, upright.height], [info.width, info.height]);
      assertEquals([...upright.data], [...data]);
      const stored = await sharp(path).raw().toBuffer();
      assertEquals([...(await read(6, 4)).data], [...stored]);
      await assertRejects(
        () => read(8, 12),
        Error,
        "it is 6 × 4 pixels as stored and 4 × 6 as EXIF turns it, its annotations are for 8 × 12",
      );
    }));
}

Deno.test("turned() does what EXIF's eight orientations say", () =>
  inTempFolder(async (folder) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const path = `${folder}/${orientation}.png`;
      await turnedPicture(path, 5, 3, orientation);
      assertEquals(await orientationOf(await Deno.readFile(path)), orientation);
      const stored = await sharp(path).raw().toBuffer();
      const upright = turned({ data: stored, width: 5, height: 3, channels: 3 }, orientation);
      const expected = await sharp(path).rotate().raw().toBuffer();
      assertEquals([...upright.data], [...expected]);
    }
  }));

Deno.test("loadCoco() does not guess whether a picture is turned if the file has no width and height", () =>
  inTempFolder(async (folder) => {
    await turnedPicture(`${folder}/1.png`, 20, 10, 6);
    const images = [{ id: 1, file_name: "1.png" }];
    const contents = { images, annotations: [], categories: [] };
    await Deno.writeTextFile(`${folder}/coco.json`, JSON.stringify(contents));
    await assertRejects(
      () => loadCoco(`${folder}/coco.json`, { folder }),
      Error,
      `its width and height are missing, and EXIF turns ${folder}/1.png: write the sides`,
    );
  }));
