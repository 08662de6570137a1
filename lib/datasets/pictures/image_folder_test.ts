import sharp from "sharp";
import { imageAt, imageCount } from "./images.ts";
import { loadImageFolder } from "./image_folder.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const red = { r: 220, g: 30, b: 30 };
const flat = (width = 24, height = 16) =>
  sharp({ create: { width, height, channels: 3, background: red } });

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const quiet = { size: 16, log: () => {} };
const pixel = (
  set: Parameters<typeof imageAt>[0],
  index: number,
  x: number,
  y: number,
) => [...imageAt(set, index).pixels.subarray((y * 16 + x) * 3, (y * 16 + x) * 3 + 3)];
const near = (actual: number[], expected: number[], what: string, within = 12) =>
  assertTrue(
    actual.every((v, i) => Math.abs(v - expected[i]!) <= within),
    `${what}: ${actual} is not ${expected}`,
  );

Deno.test("loadImageFolder() reads every kind of picture a camera or a program writes", () =>
  inFolder(async (folder) => {
    await flat().jpeg().toFile(`${folder}/a_rgb.jpg`);
    await flat().toColourspace("cmyk").jpeg().toFile(`${folder}/b_cmyk.jpeg`);
    await flat().toColourspace("rgb16").png().toFile(`${folder}/c_16bit.png`);
    await flat().webp({ lossless: true }).toFile(`${folder}/d.webp`);
    await flat().greyscale().toColourspace("b-w").png().toFile(`${folder}/e_grey.PNG`);
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    await sharp({ create: { width: 20, height: 20, channels: 4, background: clear } }).png()
      .toFile(`${folder}/f_alpha.png`);
    const { images, bad } = await loadImageFolder(folder, quiet);
    assertEquals(bad, []);
    assertEquals(images.ids, [
      "a_rgb.jpg",
      "b_cmyk.jpeg",
      "c_16bit.png",
      "d.webp",
      "e_grey.PNG",
      "f_alpha.png",
    ]);
    assertEquals([...images.labels], Array(6).fill(-1));
    for (const i of [0, 2, 3]) near(pixel(images, i, 8, 8), [220, 30, 30], images.ids[i]!);
    near(pixel(images, 1, 8, 8), [220, 30, 30], "CMYK", 40); // no profile: a conversion of its own
    const [r, g, b] = pixel(images, 4, 8, 8) as [number, number, number];
    assertTrue(r === g && g === b && r > 40 && r < 160, `grey ${r} ${g} ${b}`);
    assertEquals(pixel(images, 5, 8, 8), [128, 128, 128]);
  }));

Deno.test("loadImageFolder() turns a picture as EXIF says, and keeps the centre of a long one", () =>
  inFolder(async (folder) => {
    const left = await sharp({ create: { width: 8, height: 16, channels: 3, background: red } })
      .png().toBuffer();
    const blue = { r: 20, g: 40, b: 200 };
    const base = sharp({ create: { width: 16, height: 16, channels: 3, background: blue } })
      .composite([{ input: left, left: 0, top: 0 }]);
    // Orientation 6: the stored left column is the top row as seen.
    await base.withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toFile(
      `${folder}/turned.jpg`,
    );
    const { images } = await loadImageFolder(folder, quiet);
    near(pixel(images, 0, 8, 2), [220, 30, 30], "top", 30);
    near(pixel(images, 0, 8, 13), [20, 40, 200], "bottom", 30);
  }));

Deno.test("subfolders are classes in the order of their names; other files are passed over", () =>
  inFolder(async (folder) => {
    for (const name of ["owl", "crow", ".hidden"]) {
      await Deno.mkdir(`${folder}/${name}`);
      await flat().png().toFile(`${folder}/${name}/1.png`);
    }
    await Deno.writeTextFile(`${folder}/owl/notes.txt`, "not a picture");
    const { images } = await loadImageFolder(folder, quiet);
    assertEquals(images.classNames, ["crow", "owl"]);
    assertEquals(images.ids, ["crow/1.png", "owl/1.png"]);
    assertEquals([...images.labels], [0, 1]);
  }));

Deno.test("a damaged picture is named, skipped and counted; too many stop the loading", () =>
  inFolder(async (folder) => {
    for (let i = 0; i < 3; i++) await flat().jpeg().toFile(`${folder}/good${i}.jpg`);
    const noise = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: red,
        noise: { type: "gaussian", mean: 128, sigma: 60 },
      },
    }).jpeg().toBuffer();
    await Deno.writeFile(`${folder}/cut.jpg`, noise.subarray(0, noise.length / 2));
    await Deno.writeTextFile(`${folder}/text.png`, "hello");
    const said: string[] = [];
    const options = { size: 16, maxBadFraction: 0.5, log: (line: string) => void said.push(line) };
    const { images, bad } = await loadImageFolder(folder, options);
    assertEquals(imageCount(images), 3);
    assertEquals(bad.map(({ path }) => path), [`${folder}/cut.jpg`, `${folder}/text.png`]);
    assertTrue(said.length === 2 && said[0]!.includes("cut.jpg"), said.join("\n"));
    await assertRejects(
      () => loadImageFolder(folder, quiet),
      Error,
      `2 of 5 pictures are damaged, first ${folder}/cut.jpg`,
    );
  }));

Deno.test("a missing, an empty, a textual folder and a file each give one line that says what to do", () =>
  inFolder(async (folder) => {
    const fails = (path: string, text: string) =>
      assertRejects(() => loadImageFolder(path, quiet), Error, text);
    await fails(`${folder}/none`, `Cannot find the folder ${folder}/none`);
    await fails(folder, "it is empty");
    await Deno.writeTextFile(`${folder}/a.txt`, "text");
    await fails(folder, "it holds only 1 file that is no picture: a.txt; put JPEG, PNG, WebP");
    await fails(`${folder}/a.txt`, "it is a file");
    await assertRejects(() => loadImageFolder(folder, { size: 2 }), RangeError, "at 2 pixels");
  }));
