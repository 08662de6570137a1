/**
 * The layouts of ImageNet that people have beside the official ones: each is read, or refused with
 * what it is.
 */
import { dirname } from "@std/path";
import { create } from "tar";
import { openImageNet } from "./imagenet.ts";
import { wnidOfPicture } from "./imagenet_names.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import {
  idOf,
  openStored,
  selectStored,
  type StoredImages,
} from "lib/datasets/pictures/stored_images.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const [fish, fox] = ["n01440764", "n02119789"];

/** Files below a folder; each holds its own path, so that it shows which one was read. */
async function write(folder: string, paths: readonly string[], contents?: string): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, contents ?? path);
  }
}

async function open(folder: string, said: string[] = []) {
  const log = (line: string) => void said.push(line);
  return await openImageNet(folder, { numClasses: 2, indexFolder: `${folder}/index`, log });
}

/** Each picture's path, label and contents. */
async function contents(set: StoredImages): Promise<(readonly [string, number, string])[]> {
  using files = openStored(set);
  const indices = Array.from({ length: imageCount(set) }, (_, i) => i);
  return await Promise.all(indices.map(async (i) => {
    const text = new TextDecoder().decode(await files.read(i));
    return [idOf(set, i), set.labels[i]!, text] as const;
  }));
}

const trainNames = [`${fish}/${fish}_1.JPEG`, `${fish}/${fish}_2.JPEG`, `${fox}/${fox}_1.JPEG`];
const valNames = [`${fish}/ILSVRC2012_val_00000002.JPEG`, `${fox}/ILSVRC2012_val_00000001.JPEG`];
const labels = [0, 0, 1];
const asFolders = trainNames.map((name, i) => [name, labels[i]!, name] as const);
const val = valNames.map((name) => `val/${name}`);

Deno.test("wnidOfPicture() finds the class in folders and in names", () => {
  assertEquals(wnidOfPicture(`train/${fish}/a.JPEG`), fish);
  assertEquals(wnidOfPicture(`${fish}/images/${fish}_0.JPEG`), fish);
  assertEquals(wnidOfPicture(`${fish}_10026.JPEG`), fish);
  assertEquals(wnidOfPicture(`ILSVRC2012_val_00000293_${fish}.JPEG`), fish);
  assertEquals(wnidOfPicture("ILSVRC2012_val_00000293.JPEG"), undefined);
});

/** Packs as `tar -cf file ./paths` does in `cwd`. */
function pack(file: string, cwd: string, paths: readonly string[]): Promise<void> {
  return create({ file, cwd, prefix: ".", noDirRecurse: true }, [...paths]);
}

Deno.test("openImageNet() reads archives that were packed again, with ./ and with what macOS adds", () =>
  inTempFolder(async (folder) => {
    await write(folder, val);
    await write(`${folder}/loose`, trainNames.map((name) => name.split("/")[1]!));
    for (const [i, name] of trainNames.entries()) {
      await Deno.writeTextFile(`${folder}/loose/${name.split("/")[1]}`, trainNames[i]!);
    }
    await write(`${folder}/loose`, [`._${fish}_1.JPEG`, `._${fish}.tar`]);
    for (const wnid of [fish, fox]) {
      const names = [...Deno.readDirSync(`${folder}/loose`)].map(({ name }) => name)
        .filter((name) => name.includes(`${wnid}_`));
      await pack(`${folder}/loose/${wnid}.tar`, `${folder}/loose`, names);
    }
    const archive = `${folder}/ILSVRC2012_img_train.tar`;
    await pack(archive, `${folder}/loose`, [`._${fish}.tar`, `${fox}.tar`, `${fish}.tar`]);
    assertEquals(await contents((await open(folder)).train), asFolders);
    // Folders of pictures, as unpacked, packed again.
    await write(`${folder}/unpacked/train`, trainNames);
    for (const name of trainNames) {
      await Deno.writeTextFile(`${folder}/unpacked/train/${name}`, name);
    }
    await pack(archive, `${folder}/unpacked`, trainNames.map((name) => `train/${name}`));
    assertEquals(await contents((await open(folder)).train), asFolders);
    await Deno.remove(`${folder}/val`, { recursive: true });
    await write(`${folder}/unpacked`, val);
    await pack(`${folder}/ILSVRC2012_img_val.tar`, `${folder}/unpacked`, val);
    const read = await contents((await open(folder)).val);
    assertEquals(read, valNames.map((name, i) => [name, i, val[i]!] as const));
  }));

Deno.test("openImageNet() reads archives of classes that are still packed in a folder, and refuses a half of them", () =>
  inTempFolder(async (folder) => {
    await write(folder, val);
    await Deno.mkdir(`${folder}/train`);
    for (const wnid of [fish, fox]) {
      const names = trainNames.filter((name) => name.startsWith(wnid));
      await write(`${folder}/loose`, names);
      await create(
        { file: `${folder}/train/${wnid}.tar`, cwd: `${folder}/loose/${wnid}` },
        names.map((name) => name.split("/")[1]!),
      );
    }
    const { train } = await open(folder);
    assertEquals(await contents(train), asFolders);
    assertEquals(await contents(selectStored(train, [2, 0])), [asFolders[2]!, asFolders[0]!]);
    assertEquals(await contents((await open(folder)).train), asFolders); // from the list
    await write(`${folder}/train`, [trainNames[0]!]);
    await assertRejects(() => open(folder), Error, `1 are not, first ${fox}.tar; unpack each`);
    await write(`${folder}/train`, trainNames); // the archives may stay beside what they held
    assertEquals(await contents((await open(folder)).train), asFolders);
  }));

Deno.test("openImageNet() reads Tiny ImageNet's layout, and pictures whose names carry the class", () =>
  inTempFolder(async (folder) => {
    const tiny = `${folder}/tiny-imagenet-200`;
    const names = [`${fish}/images/${fish}_0.JPEG`, `${fox}/images/${fox}_0.JPEG`];
    await write(`${tiny}/train`, [...names, `${fish}/${fish}_boxes.txt`]);
    await write(`${tiny}/val/images`, ["val_0.JPEG", "val_1.JPEG"]);
    await write(
      tiny,
      ["val/val_annotations.txt"],
      `val_0.JPEG\t${fox}\t0\t32\t44\t62\nval_1.JPEG\t${fish}\t0\t0\t1\t1\n`,
    );
    await write(tiny, ["test/images/test_0.JPEG", "wnids.txt"]);
    for (const place of [tiny, folder]) { // the folder itself, or where it was unpacked
      const { train, val } = await open(place);
      assertEquals(await contents(train), names.map((name, i) => [name, i, name] as const));
      assertEquals([...val.labels], [1, 0]);
    }
    const flat = `${folder}/flat`;
    await write(`${flat}/train`, [`${fox}_7.JPEG`, `${fish}_1.JPEG`, "odd.jpg"]);
    await write(`${flat}/val`, [`ILSVRC2012_val_00000001_${fox}.JPEG`]);
    const said: string[] = [];
    const { train, val } = await open(flat, said);
    assertEquals(train.labels, Int32Array.of(0, 1));
    assertEquals(idOf(train, 0), `${fish}_1.JPEG`);
    assertEquals([...val.labels], [1]);
    assertTrue(
      said.some((line) => line.includes("whose class no name tells, first odd.jpg")),
      said.join(),
    );
  }));

Deno.test("openImageNet() reads Kaggle's layout, from wherever one starts in it", () =>
  inTempFolder(async (folder) => {
    const inside = "ILSVRC/Data/CLS-LOC";
    await write(`${folder}/${inside}/train`, trainNames);
    await write(`${folder}/${inside}/val`, ["ILSVRC2012_val_00000001.JPEG"]);
    const list = `\ufeffImageId,PredictionString\r\nILSVRC2012_val_00000001,"${fox} 1 2 3 4 "\r\n`;
    await write(folder, ["LOC_val_solution.csv"], list);
    for (const place of ["", "ILSVRC", "ILSVRC/Data", inside]) {
      const { train, val } = await open(`${folder}/${place}`);
      assertEquals([imageCount(train), [...val.labels]], [3, [1]]);
    }
  }));

Deno.test("openImageNet() reads validation classes in the order of the pictures", () =>
  inTempFolder(async (folder) => {
    await write(`${folder}/train`, trainNames);
    await write(`${folder}/validation`, [1, 2].map((i) => `ILSVRC2012_val_0000000${i}.JPEG`));
    await write(folder, ["imagenet_2012_validation_synset_labels.txt"], `${fox}\n${fish}\n`);
    assertEquals([...(await open(folder)).val.labels], [1, 0]);
  }));

Deno.test("openImageNet() says what it found where that is no layout of ImageNet", async () => {
  const fails = (paths: readonly string[], text: string) =>
    inTempFolder(async (folder) => {
      await write(folder, paths);
      await assertRejects(() => open(folder), Error, text);
    });
  await fails(
    ["data/a.txt", "train_images_0.tar.gz"],
    "train_images_0.tar.gz is still packed: unpack it",
  );
  await fails(["train/train-00000-of-00294.parquet"], "train-00000-of-00294.parquet is in Parquet");
  await fails(["train/train-00000-of-01024"], "train-00000-of-01024 is in TensorFlow's records");
  await fails(
    ["train/0/a.jpg", "train/1/b.jpg"],
    'not named by their WordNet numbers (0/, …): rename them, or use kind "folder"',
  );
  await fails(
    [trainNames[0]!],
    `the class folders (${fish}, …) lie in it: give the folder above it`,
  );
  await fails(
    ["train/"].concat(trainNames.map((name) => `train/${name}`)).slice(1),
    "validation pictures in",
  );
  await inTempFolder(async (folder) => {
    await write(folder, ["ILSVRC2012_img_train.tar"], "\x1f\u008b");
    await Deno.writeFile(`${folder}/ILSVRC2012_img_train.tar`, Uint8Array.of(0x1f, 0x8b, 8, 0));
    await assertRejects(() => open(folder), Error, "it is compressed (gzip); unpack it once");
  });
  await inTempFolder(async (folder) => {
    await write(`${folder}/train`, trainNames);
    await Deno.mkdir(`${folder}/train/n03000000`);
    const open3 = () => openImageNet(folder, { numClasses: 3, log: () => {} });
    await assertRejects(
      open3,
      Error,
      "2 classes for training (1 more have no picture, first n03000000)",
    );
    await write(`${folder}/val`, ["ILSVRC2012_val_00000001.JPEG"]);
    await assertRejects(() => open(folder), Error, "put ILSVRC2012_devkit_t12.tar.gz there");
  });
});
