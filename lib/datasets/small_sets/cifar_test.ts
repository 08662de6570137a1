import { create } from "tar";
import { type CifarLayout, loadCifar, loadCifar10, loadCifar100 } from "./cifar.ts";
import { imageAt, imageCount } from "lib/datasets/pictures/images.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** CIFAR-100's, but for the number of images. */
const layout: CifarLayout = {
  name: "CIFAR-100",
  archive: "cifar-100-binary.tar.gz",
  folder: "cifar-100-binary",
  train: ["train_1.bin", "train_2.bin"],
  test: ["test.bin"],
  imagesInFile: { train: 3, test: 2 },
  labelBytes: 2,
  labelAt: 1,
  classes: "fine_label_names.txt",
};

/**
 * Image i of a file: coarse label 9, fine label i, red i, green 100 + i, blue 200 + i, and the
 * first pixel's red 255.
 */
function records(count: number): Uint8Array {
  return new Uint8Array(
    Array.from({ length: count }, (_, i) => {
      const plane = (value: number) => Array<number>(1024).fill(value);
      const red = plane(i);
      red[0] = 255;
      return [9, i, ...red, ...plane(100 + i), ...plane(200 + i)];
    }).flat(),
  );
}

async function write(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const name of layout.train) await Deno.writeFile(`${folder}/${name}`, records(3));
  await Deno.writeFile(`${folder}/test.bin`, records(2));
  await Deno.writeTextFile(`${folder}/fine_label_names.txt`, "apple\nbear\ncup\n\n");
}

Deno.test("loadCifar() reads the folder, the folder in a folder, and the archive alike", () =>
  inTempFolder(async (folder) => {
    const inner = `${folder}/unpacked/${layout.folder}`;
    await write(inner);
    await Deno.mkdir(`${folder}/packed`);
    const file = `${folder}/packed/${layout.archive}`;
    await create({ file, gzip: true, cwd: `${folder}/unpacked` }, [layout.folder]);
    const direct = await loadCifar(layout, inner);
    assertEquals(await loadCifar(layout, `${folder}/unpacked`), direct);
    assertEquals(await loadCifar(layout, `${folder}/packed`), direct);
    const { train, test } = direct;
    assertEquals([imageCount(train), imageCount(test)], [6, 2]);
    assertEquals([...train.labels], [0, 1, 2, 0, 1, 2]);
    const { pixels, className, id } = imageAt(train, 4);
    assertEquals([...pixels.subarray(0, 6)], [255, 101, 201, 1, 101, 201]);
    assertEquals([className, id], ["bear", "train/4"]);
    const few = await loadCifar(layout, inner, { trainCount: 4, testCount: 1 });
    assertEquals(few.train.pixels, train.pixels.subarray(0, 4 * 3072));
    assertEquals([...few.test.labels], [0]);
  }));

Deno.test("loadCifar() names a missing file, a wrong length, a damaged archive", () =>
  inTempFolder(async (folder) => {
    const fails = (text: string) => assertRejects(() => loadCifar(layout, folder), Error, text);
    await fails(`Cannot find CIFAR-100 in ${folder}: put cifar-100-binary.tar.gz`);
    await Deno.writeTextFile(`${folder}/cifar-100-python.tar.gz`, "");
    await fails("cifar-100-python.tar.gz is another version of it; put cifar-100-binary.tar.gz");
    await Deno.writeFile(`${folder}/${layout.archive}`, new Uint8Array(2000).fill(3));
    await fails(`Cannot unpack ${folder}/cifar-100-binary.tar.gz`);
    await write(folder);
    await Deno.writeFile(`${folder}/train_2.bin`, records(2));
    await fails(`${folder}/train_2.bin: CIFAR-100 has 9222 bytes there, current length is 6148`);
    await Deno.remove(`${folder}/train_2.bin`);
    await fails(`${folder}/train_2.bin is missing`);
  }));

/** A file of the published length, without the disk's taking it. */
async function sparse(path: string, length: number, start: Uint8Array): Promise<void> {
  await Deno.writeFile(path, start);
  await Deno.truncate(path, length);
}

Deno.test("loadCifar10() and loadCifar100() know the published files", () =>
  inTempFolder(async (folder) => {
    await sparse(`${folder}/data_batch_1.bin`, 30_730_000, Uint8Array.of(1, 50));
    await sparse(`${folder}/test_batch.bin`, 30_730_000, Uint8Array.of(0, 60));
    await Deno.writeTextFile(`${folder}/batches.meta.txt`, "airplane\nautomobile\n");
    const ten = await loadCifar10({ folder, trainCount: 2, testCount: 1 });
    assertEquals([...ten.train.labels], [1, 0]);
    assertEquals([ten.train.pixels[0], ten.test.pixels[0]], [50, 60]);
    await sparse(`${folder}/train.bin`, 153_700_000, Uint8Array.of(1, 2, 70));
    await sparse(`${folder}/test.bin`, 30_740_000, Uint8Array.of(1, 0, 80));
    for (const labels of ["fine", "coarse"] as const) {
      await Deno.writeTextFile(`${folder}/${labels}_label_names.txt`, "a\nb\nc\n");
      const hundred = await loadCifar100({ folder, labels, trainCount: 1, testCount: 1 });
      assertEquals([...hundred.train.labels], [labels === "fine" ? 2 : 1]);
      assertEquals([hundred.train.pixels[0], hundred.test.pixels[0]], [70, 80]);
    }
  }));
