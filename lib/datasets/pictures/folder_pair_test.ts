import sharp from "sharp";
import { type FolderPairOptions, openFolderPair } from "./folder_pair.ts";
import { imageAt, type ImageSet } from "./images.ts";
import { centerCrops } from "./center_crops.ts";
import { idOf, isStored } from "./stored_images.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

type Counts = Readonly<Record<string, number>>;

/** So many pictures of each class, below `train` and `test`. */
function inPair(
  train: Counts,
  test: Counts,
  run: (
    open: (options?: Partial<FolderPairOptions>) => ReturnType<typeof openFolderPair>,
    said: string[],
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  return inTempFolder(async (folder) => {
    for (const [split, counts] of Object.entries({ train, test })) {
      for (const [name, count] of Object.entries(counts)) {
        await Deno.mkdir(`${folder}/${split}/${name}`, { recursive: true });
        for (let i = 0; i < count; i++) {
          const bytes = await jpeg(i + name.length, 24, 20);
          await Deno.writeFile(`${folder}/${split}/${name}/${i}.jpg`, bytes);
        }
      }
    }
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const pair = { train: `${folder}/train`, test: `${folder}/test` };
    await run((options = {}) => openFolderPair(pair, { size: 16, log, ...options }), said, folder);
  });
}

Deno.test("openFolderPair() matches classes by their names, and says which is not tested", () =>
  inPair({ crow: 2, owl: 2, wren: 2 }, { owl: 1, wren: 1 }, async (open, said) => {
    const { train, test } = await open();
    assertEquals([...train.labels], [0, 0, 1, 1, 2, 2]);
    assertEquals([...test.labels], [1, 2]);
    assertEquals(test.classNames, ["crow", "owl", "wren"]);
    assertTrue(said.length === 1 && said[0]!.endsWith("without a test picture: crow"), said.join());
  }));

Deno.test("openFolderPair() refuses a class that is only tested, with the name that it may have", () =>
  inPair({ crow: 1, "snowy owl": 1 }, { crow: 1, "Snowy_Owl": 1 }, async (open) => {
    await assertRejects(open, Error, "its class Snowy_Owl is not among the 2 of");
    await assertRejects(open, Error, "rename Snowy_Owl to snowy owl, if that is the class");
  }));

Deno.test("openFolderPair() keeps the counts of a scale, evenly spread over each class", () =>
  inPair({ crow: 12, owl: 6 }, { crow: 4, owl: 1 }, async (open) => {
    const { train, test } = await open({ trainCount: 6, testCount: 2 });
    assertEquals([...train.labels], [0, 0, 0, 0, 1, 1]);
    assertEquals((train as ImageSet).ids.slice(0, 2), ["crow/0.jpg", "crow/11.jpg"]);
    assertEquals([...test.labels], [0, 1]);
  }));

Deno.test("openFolderPair() leaves in their files what memory should not hold, seen as in memory", () =>
  inPair({ crow: 2, owl: 1 }, { crow: 1 }, async (open, said, folder) => {
    const clear = { r: 200, g: 0, b: 0, alpha: 0 };
    await sharp({ create: { width: 24, height: 24, channels: 4, background: clear } }).png()
      .toFile(`${folder}/train/owl/1.png`);
    await sharp(await jpeg(5, 24, 40)).withMetadata({ orientation: 6 }).jpeg()
      .toFile(`${folder}/train/owl/2.jpg`);
    const [inMemory, inFiles] = [await open(), await open({ mostBytes: 1000 })];
    assertTrue(isStored(inFiles.train) && isStored(inFiles.test), "they stay in their files");
    assertTrue(said.some((line) => line.includes("they stay in their files")), said.join("\n"));
    assertEquals([...inFiles.train.labels], [...inMemory.train.labels]);
    assertEquals(idOf(inFiles.train, 3), "owl/1.png");
    const [crops] = await Array.fromAsync(centerCrops(inFiles.train, { size: 16, shortSide: 16 }));
    assertEquals([...imageAt(crops!, 3).pixels.subarray(0, 3)], [128, 128, 128]); // on grey
    for (let i = 0; i < 5; i++) { // turned as EXIF says; resized by another filter
      const [a, b] = [imageAt(inMemory.train as ImageSet, i).pixels, imageAt(crops!, i).pixels];
      const mean = a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
      assertTrue(mean < 8, `picture ${i} differs by ${mean}`);
    }
  }));

Deno.test("openFolderPair() skips damaged pictures up to a share that can be set, in memory and in files", () =>
  inPair({ crow: 5, owl: 5 }, { crow: 1 }, async (open, said, folder) => {
    await Deno.writeTextFile(`${folder}/train/crow/1.jpg`, "");
    await Deno.writeTextFile(`${folder}/train/owl/1.jpg`, "hello");
    assertEquals((await open()).train.labels.length, 8);
    assertTrue(
      said.some((line) => line.includes("crow/1.jpg: the file is empty")),
      said.join("\n"),
    );
    const strict = { maxBadFraction: 0.1 };
    await assertRejects(() => open(strict), Error, "2 of 10 pictures are damaged, first");
    const stored = async (options: object) => {
      const { train } = await open({ mostBytes: 1, ...options });
      return await Array.fromAsync(centerCrops(train, { size: 16, log: () => {} }));
    };
    assertEquals((await stored({}))[0]!.labels.length, 10); // the next ones stand in for them
    await assertRejects(() => stored(strict), Error, "2 of 10 pictures are damaged, first");
    await assertRejects(() => open({ maxBadFraction: 2 }), RangeError, "need 0 to 1");
    for (let i = 0; i < 5; i++) await Deno.writeTextFile(`${folder}/train/crow/${i}.jpg`, "");
    const all = () => open({ maxBadFraction: 0.9 });
    await assertRejects(all, Error, "of its class crow, every picture in");
  }));

Deno.test("openFolderPair() refuses a folder in the other, and says so where both are one", () =>
  inTempFolder(async (folder) => {
    for (const name of ["crow", "owl", "test/crow"]) {
      await Deno.mkdir(`${folder}/${name}`, { recursive: true });
      await Deno.writeFile(`${folder}/${name}/1.jpg`, await jpeg(1, 20, 20));
    }
    const said: string[] = [];
    const open = (test: string) =>
      openFolderPair({ train: folder, test }, { size: 16, log: (line) => void said.push(line) });
    await assertRejects(() => open(`${folder}/test`), Error, "one lies in the other");
    await open(folder);
    assertTrue(said.some((line) => line.includes("given for training and for testing")), "said");
  }));
