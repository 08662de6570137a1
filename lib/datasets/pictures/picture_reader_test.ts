import { decodePicture } from "./decode_picture.ts";
import { damageLedger, openPictures } from "./picture_reader.ts";
import { storedInArchive, storedInFolder } from "./picture_index.ts";
import { idOf, selectStored, thinned } from "./stored_images.ts";
import { packStrings, stringAt } from "./string_table.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";

async function folderOf(folder: string, good: readonly boolean[]) {
  const names = good.map((_, i) => `${i}.jpg`);
  for (const [i, whole] of good.entries()) {
    const bytes = await jpeg(i, 20 + i, 20);
    await Deno.writeFile(`${folder}/${names[i]}`, whole ? bytes : bytes.subarray(0, 400));
  }
  return storedInFolder("some", folder, names);
}

Deno.test("read() gives the first whole picture from a damaged one on, round the end, each time", () =>
  inTempFolder(async (folder) => {
    const set = await folderOf(folder, [true, true, false, false]);
    using pictures = openPictures(set);
    for (let time = 0; time < 2; time++) {
      for (const [asked, got, damaged] of [[1, 1, []], [2, 0, [2, 3]], [3, 0, [3]]] as const) {
        const read = await pictures.read(asked, decodePicture);
        assertEquals([read.index, read.picture.width], [got, 20 + got]);
        assertEquals(read.damaged.map(({ index }) => index), [...damaged]);
      }
    }
  }));

Deno.test("read() throws where all are damaged, where a file is gone, and beyond the set", () =>
  inTempFolder(async (folder) => {
    const set = await folderOf(folder, [false, false]);
    using pictures = openPictures(set);
    const read = (index: number) => () => pictures.read(index, decodePicture);
    await assertRejects(
      read(1),
      Error,
      `Cannot use "some": 16 pictures in a row are damaged, from 1`,
    );
    await assertRejects(read(2), RangeError, `image 2 of "some": it has 2 images`);
    await Deno.remove(`${folder}/0.jpg`);
    using again = openPictures(set);
    const gone = () => again.read(0, decodePicture);
    await assertRejects(gone, Error, `picture 0.jpg of "some" from ${folder}/0.jpg: ENOENT`);
  }));

Deno.test("read() reads the bytes of an archive's pictures, any number at a time", () =>
  inTempFolder(async (folder) => {
    const files = await Promise.all([0, 1, 2].map((i) => jpeg(i, 20 + i, 20)));
    const path = `${folder}/all.bin`;
    await Deno.writeFile(path, new Uint8Array([7, ...files[0]!, ...files[1]!, ...files[2]!]));
    let offset = 1;
    const set = storedInArchive(
      "three",
      path,
      files.map(({ length }, i) => ({ id: `${i}`, length, offset: (offset += length) - length })),
    );
    using pictures = openPictures(set);
    const read = (index: number) => pictures.read(index, (bytes) => Promise.resolve([...bytes]));
    const found = await Promise.all([2, 0, 1, 2].map(read));
    assertEquals(found.map(({ picture }) => picture), [2, 0, 1, 2].map((i) => [...files[i]!]));
    await Deno.truncate(path, 100);
    await assertRejects(() => read(2), Error, `it ends after 0 of ${files[2]!.length} bytes`);
  }));

Deno.test("damageLedger() names each damaged picture once and throws above its share", () => {
  const set = storedInFolder("four", "/nowhere", ["a", "b", "c", "d"]);
  const said: string[] = [];
  const ledger = damageLedger(set, { maxBadFraction: 0.5, log: (line) => void said.push(line) });
  const damage = (index: number) => ({ index, reason: "torn" });
  ledger.note([damage(1), damage(1)]);
  ledger.note([damage(1), damage(3)]);
  assertEquals(said.length, 2);
  assertEquals(ledger.damaged.map(({ index }) => index), [1, 3]);
  assertThrows(
    () => ledger.note([damage(0)]),
    Error,
    `"four": 3 of 4 pictures are damaged, first b (torn)`,
  );
  assertThrows(() => damageLedger(set, { maxBadFraction: 2 }), RangeError, "0 to 1");
});

Deno.test("thinned() spreads over the set; selectStored() keeps ids, labels and places together", () => {
  const pictures = Array.from(
    { length: 7 },
    (_, i) => ({ id: `p${i}`, offset: 10 * i, length: i }),
  );
  const set = storedInArchive("seven", "/x", pictures);
  const few = thinned(set, 3);
  assertEquals([0, 1, 2].map((i) => idOf(few, i)), ["p0", "p2", "p4"]);
  assertEquals(few.place, {
    kind: "archive",
    path: "/x",
    offsets: Float64Array.of(0, 20, 40),
    lengths: Uint32Array.of(0, 2, 4),
  });
  assertEquals(thinned(set, 7), set);
  assertThrows(() => selectStored(set, [7]), RangeError, "picture 7");
});

Deno.test("packStrings() and stringAt() keep any strings", () => {
  const strings = ["", "n01440764/n01440764_18.JPEG", "né", ""];
  const table = packStrings(strings);
  assertEquals(strings.map((_, i) => stringAt(table, i)), strings);
  assertThrows(() => stringAt(table, 4), RangeError, "string 4 of a table of 4");
});
