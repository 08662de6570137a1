import { gzipSync } from "node:zlib";
import { findFashionMnist } from "lib/datasets/small_sets/fashion_mnist_files.ts";
import { openFer2013 } from "./fer2013.ts";
import { openGtsrb } from "./gtsrb.ts";
import { openMnist } from "./mnist.ts";
import { openStl10, openStl10Unlabelled } from "./stl10.ts";
import { imageAt } from "lib/datasets/pictures/images.ts";
import { inMemory } from "lib/datasets/pictures/stored_images.ts";
import type { TransferParts } from "./transfer_types.ts";
import { inTempFolder, listingOf, pictureFiles, writeFiles } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** The parts, which are not in files of their own. */
function inMemoryParts({ train, val, test }: TransferParts) {
  const [first, last] = [inMemory(train, "compare"), inMemory(test, "compare")];
  return { train: first, val: val && inMemory(val, "compare"), test: last };
}

Deno.test("openGtsrb() reads PPM files in folders and the table of the final test", () =>
  inTempFolder(async (folder) => {
    const table = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" +
      "00000.ppm;53;54;6;5;48;49;1\r\n00001.ppm;42;45;5;5;36;40;0\r\n";
    await writeFiles(`${folder}/gtsrb`, {
      "GT-final_test.csv": table,
      "GTSRB/Training/00000/GT-00000.csv": "Filename;Width",
      ...pictureFiles(["00000/00000_00000.ppm", "00001/00000_00000.ppm"]
        .map((path) => `GTSRB/Training/${path}`)),
      ...pictureFiles(["00000.ppm", "00001.ppm"].map((name) => `GTSRB/Final_Test/Images/${name}`)),
    });
    assertEquals(listingOf(await openGtsrb(folder)), {
      train: [
        "GTSRB/Training/00000/00000_00000.ppm: 00000",
        "GTSRB/Training/00001/00000_00000.ppm: 00001",
      ],
      test: [
        "GTSRB/Final_Test/Images/00000.ppm: 00001",
        "GTSRB/Final_Test/Images/00001.ppm: 00000",
      ],
    });
    // The table that comes with the pictures has no classes.
    await Deno.writeTextFile(`${folder}/gtsrb/GT-final_test.csv`, "Filename;Width\n00000.ppm;53\n");
    await assertRejects(() => openGtsrb(folder), Error, "line 1 of GT-final_test.csv is unlike");
  }));

Deno.test("openFer2013() reads pixels and parts, whatever the order of the columns", () =>
  inTempFolder(async (folder) => {
    const pixels = (first: number) => [first, ...new Array(48 * 48 - 1).fill(7)].join(" ");
    const rows = [[3, 250, "Training"], [0, 9, "PublicTest"], [6, 0, "PrivateTest"]] as const;
    const table = rows.map(([label, first, use]) => `${label},${pixels(first)},${use}\n`);
    const path = `${folder}/fer2013/fer2013.csv`;
    await writeFiles(folder, { "fer2013/fer2013.csv": `emotion,pixels,Usage\n${table.join("")}` });
    const check = async () => {
      const { train, val, test } = inMemoryParts(await openFer2013(folder));
      const first = [train, val!, test].map((set) => {
        const { pixels, className, id } = imageAt(set, 0);
        return [...pixels.subarray(0, 4), className, id];
      });
      assertEquals(first, [
        [250, 250, 250, 7, "happy", "train/0"],
        [9, 9, 9, 7, "angry", "val/0"],
        [0, 0, 0, 7, "neutral", "test/0"],
      ]);
    };
    await check();
    await Deno.remove(path);
    const other = rows.map(([label, first, use]) => `${label}, ${use}, ${pixels(first)}\n`);
    await writeFiles(folder, {
      "fer2013/icml_face_data.csv": `emotion, Usage, pixels\n${other.join("")}`,
    });
    await check();
    const fails = async (text: string, reason: string) => {
      await Deno.writeTextFile(path, `emotion,pixels,Usage\n${text}`);
      await assertRejects(() => openFer2013(folder), Error, reason);
    };
    await fails(table[0]!, "fer2013.csv has no row for val");
    const bad = [
      `3,${pixels(256)},Training`,
      `7,${pixels(1)},Training`,
      `,${pixels(1)},Training`,
      `3,${pixels(1)},Test`,
      `3,${pixels(1).slice(2)},Training`,
    ];
    for (const row of bad) await fails(`${table[0]}${row}\n`, "row 3 of fer2013.csv is damaged");
  }));

/** An IDX file of unsigned bytes. */
function idx(shape: readonly number[], data: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x0800 + shape.length);
  shape.forEach((length, i) => header.setUint32(4 + 4 * i, length));
  return Uint8Array.of(...new Uint8Array(header.buffer), ...data);
}

Deno.test("openMnist() reads the four files, gzipped or not, and refuses others", () =>
  inTempFolder(async (folder) => {
    const image = (value: number) => new Array<number>(28 * 28).fill(value);
    const files = {
      "raw/train-images-idx3-ubyte.gz": gzipSync(idx([2, 28, 28], [...image(5), ...image(200)])),
      "raw/train-labels-idx1-ubyte": idx([2], [7, 0]),
      "raw/t10k-images.idx3-ubyte": idx([1, 28, 28], image(9)),
      "raw/t10k-labels-idx1-ubyte": idx([1], [3]),
    };
    await writeFiles(folder, files);
    const { train, test } = inMemoryParts(await openMnist(folder));
    assertEquals([[...train.labels], [...test.labels]], [[7, 0], [3]]);
    const { pixels, className } = imageAt(train, 1);
    assertEquals([pixels.length, pixels[0], pixels.at(-1), className], [2352, 200, 200, "0"]);
    const fails = (text: string) => assertRejects(() => openMnist(folder), Error, text);
    await writeFiles(folder, { "raw/t10k-labels-idx1-ubyte": idx([2], [3, 3]) });
    await fails("the images for test are [1,28,28], need [2, 28, 28] for its labels");
    const cut = files["raw/train-images-idx3-ubyte.gz"].subarray(0, 20);
    await writeFiles(folder, { "raw/train-images-idx3-ubyte.gz": new Uint8Array(cut) });
    await fails("train-images-idx3-ubyte.gz is damaged (");
    await Deno.remove(`${folder}/raw/train-labels-idx1-ubyte`);
    await writeFiles(folder, files);
    await Deno.remove(`${folder}/raw/t10k-labels-idx1-ubyte`);
    await fails("t10k-labels-idx1-ubyte is missing; unpack train-images-idx3-ubyte.gz and ");
  }));

const fashionMnist = await findFashionMnist();

Deno.test(
  { name: "openMnist() refuses Fashion-MNIST", ignore: fashionMnist === undefined },
  () =>
    assertRejects(
      () => openMnist(fashionMnist!),
      Error,
      "is Fashion-MNIST's; unpack train-images-idx3-ubyte.gz and",
    ),
);

/** STL-10's picture whose channel c at (x, y) is x + 2·y + 3·c + seed. */
function stlPicture(seed: number): Uint8Array {
  return Uint8Array.from({ length: 3 * 96 * 96 }, (_, i) => {
    const [c, x, y] = [Math.floor(i / 9216), Math.floor(i / 96) % 96, i % 96]; // columns first
    return x + 2 * y! + 3 * c + seed;
  });
}

Deno.test("openStl10() turns columns into rows; openStl10Unlabelled() reads the first so many", () =>
  inTempFolder(async (folder) => {
    const two = Uint8Array.of(...stlPicture(0), ...stlPicture(11));
    await writeFiles(`${folder}/stl10_binary`, {
      "class_names.txt": "airplane\nbird\ncar\n",
      "train_X.bin": two,
      "train_y.bin": Uint8Array.of(3, 1),
      "test_X.bin": stlPicture(5),
      "test_y.bin": Uint8Array.of(2),
      "unlabeled_X.bin": two,
    });
    const { train, test } = inMemoryParts(await openStl10(folder));
    assertEquals([[...train.labels], [...test.labels]], [[2, 0], [1]]);
    const { pixels, className } = imageAt(train, 1);
    const at = (
      x: number,
      y: number,
    ) => [...pixels.subarray(3 * (96 * y + x), 3 * (96 * y + x) + 3)];
    assertEquals([at(1, 0), at(0, 1), at(95, 0)], [[12, 15, 18], [13, 16, 19], [106, 109, 112]]);
    assertEquals(className, "airplane");
    const one = await openStl10Unlabelled(folder, 1);
    assertEquals([one.labels.length, one.labels[0], one.pixels[3]], [1, -1, 1]);
    await assertRejects(
      () => openStl10Unlabelled(folder, 3),
      RangeError,
      "Cannot read 3 pictures without labels of STL-10: need 1 to 2",
    );
    const fails = (text: string) => assertRejects(() => openStl10(folder), Error, text);
    await writeFiles(`${folder}/stl10_binary`, { "train_y.bin": Uint8Array.of(3, 4) });
    await fails("train_y.bin has the label 4");
    await writeFiles(`${folder}/stl10_binary`, { "train_y.bin": Uint8Array.of(3) });
    await fails("train_X.bin has 2 pictures, train_y.bin 1");
    await writeFiles(`${folder}/stl10_binary`, { "train_X.bin": two.subarray(1) });
    await fails("train_X.bin is cut short: its 55295 bytes are no multiple of 27648");
  }));
