import sharp from "sharp";
import { centerCrop } from "./center_crops.ts";
import { decodePicture } from "./decode_picture.ts";
import { loadPictures } from "./picture_files.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const picture = (red: number, width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: red, g: 20, b: 200 } } });

Deno.test("loadPictures() gives files of any size in their order, cropped as for evaluation, unlabelled", () =>
  inFolder(async (folder) => {
    const paths = [`${folder}/b.png`, `${folder}/a.jpg`];
    const noisy = Uint8Array.from({ length: 50 * 31 * 3 }, (_, i) => (i * 97) % 251);
    await sharp(noisy, { raw: { width: 50, height: 31, channels: 3 } }).png().toFile(paths[0]!);
    await picture(180, 20, 90).jpeg({ quality: 100 }).toFile(paths[1]!);
    const set = await loadPictures(paths, { size: 16 });
    assertEquals([set.height, set.width, set.ids], [16, 16, ["b.png", "a.jpg"]]);
    assertEquals([...set.labels], [-1, -1]);
    const expected = centerCrop(await decodePicture(await Deno.readFile(paths[0]!)), 16).data;
    assertEquals(set.pixels.subarray(0, 16 * 16 * 3), expected);
    const red = set.pixels[16 * 16 * 3]!;
    assertEquals(Math.abs(red - 180) <= 2, true, `red is ${red}`);
  }));

Deno.test("loadPictures() names the file that is missing or no picture, and refuses a size of nothing", () =>
  inFolder(async (folder) => {
    const load = (path: string, size = 16) => () => loadPictures([path], { size });
    await assertRejects(load(`${folder}/none.png`), Error, `${folder}/none.png: ENOENT`);
    await Deno.writeTextFile(`${folder}/text.png`, "not a picture");
    await assertRejects(load(`${folder}/text.png`), Error, `the picture ${folder}/text.png: `);
    await assertRejects(load("~/no-such-picture"), Error, Deno.env.get("HOME")!);
    await assertRejects(load(`${folder}/text.png`, 4), RangeError, "at 4 pixels");
    await assertRejects(() => loadPictures([], { size: 16 }), RangeError, "the path of one");
  }));
