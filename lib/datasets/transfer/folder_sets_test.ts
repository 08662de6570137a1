import {
  openCaltech101,
  openCountry211,
  openEuroSat,
  openImagenette,
  openImagewoof,
  openRenderedSst2,
  openResisc45,
  openTinyImageNet,
} from "./folder_sets.ts";
import { inTempFolder, listingOf, pictureFiles, writeFiles } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

Deno.test("openImagenette() and openImagewoof() take val as the test, and know each other apart", () =>
  inTempFolder(async (folder) => {
    const classes = ["n01440764", "n02102040"];
    const paths = classes.flatMap((name) => [`train/${name}/a.JPEG`, `val/${name}/b.JPEG`]);
    await writeFiles(folder, pictureFiles(paths.map((path) => `imagenette2/${path}`)));
    assertEquals(listingOf(await openImagenette(folder)), {
      train: classes.map((name) => `train/${name}/a.JPEG: ${name}`),
      test: classes.map((name) => `val/${name}/b.JPEG: ${name}`),
    });
    await assertRejects(
      () => openImagewoof(folder),
      Error,
      `Cannot find Imagewoof in ${folder}: there is no train/n02086240 in it`,
    );
    await writeFiles(folder, pictureFiles(["w/train/n02086240/a.JPEG", "w/val/n02086240/b.JPEG"]));
    assertEquals((await openImagewoof(folder)).test.classNames, ["n02086240"]);
    await Deno.remove(`${folder}/imagenette2/val/n01440764`, { recursive: true });
    await assertRejects(
      () => openImagenette(folder),
      Error,
      "the folders of classes in val are not those in train; unpack imagenette2.tgz again",
    );
    await Deno.remove(`${folder}/imagenette2/train/n02102040/a.JPEG`);
    await assertRejects(() => openImagenette(folder), Error, "train/n02102040 has no picture");
  }));

Deno.test("openCountry211() and openRenderedSst2() read three parts", () =>
  inTempFolder(async (folder) => {
    const trees = { country211: ["AD", "ZW"], "rendered-sst2": ["negative", "positive"] };
    for (const [tree, names] of Object.entries(trees)) {
      const paths = ["train", "valid", "test"]
        .flatMap((part) => names.map((name) => `${tree}/${part}/${name}/0.png`));
      await writeFiles(folder, pictureFiles(paths));
    }
    const expected = ([a, b]: readonly string[]) => ({
      train: [`train/${a}/0.png: ${a}`, `train/${b}/0.png: ${b}`],
      val: [`valid/${a}/0.png: ${a}`, `valid/${b}/0.png: ${b}`],
      test: [`test/${a}/0.png: ${a}`, `test/${b}/0.png: ${b}`],
    });
    assertEquals(listingOf(await openCountry211(folder)), expected(trees.country211));
    assertEquals(listingOf(await openRenderedSst2(folder)), expected(trees["rendered-sst2"]));
    await Deno.remove(`${folder}/country211/valid`, { recursive: true });
    await assertRejects(() => openCountry211(folder), Error, "the folder valid is missing");
  }));

/** `count` files in each folder. */
function filled(folders: readonly string[], count: number) {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return pictureFiles(folders.flatMap((name) => numbers.map((i) => `${name}/${i}.jpg`)));
}

/** Parts of a set share no picture, and each is the same when it is read again. */
async function checkDrawn(
  open: (folder: string) => ReturnType<typeof openEuroSat>,
  folder: string,
  perClass: Readonly<Record<string, number>>,
): Promise<void> {
  const listing = listingOf(await open(folder));
  const all = Object.values(listing).flat();
  assertEquals(new Set(all).size, all.length);
  for (const [part, count] of Object.entries(perClass)) {
    assertEquals(listing[part]!.length, 2 * count);
  }
  assertEquals(listingOf(await open(folder)), listing);
  const [first] = Object.values(listing);
  const start = first!.filter((_, i) => i < perClass.train!);
  const inOrder = start.every((line, i) => line.includes(`/${i}.jpg`));
  assertTrue(!inOrder, "the pictures of the first class are drawn, not the first ones");
}

Deno.test("openCaltech101() draws 30 of each class for training, the rest is the test", () =>
  inTempFolder(async (folder) => {
    const classes = ["BACKGROUND_Google", "accordion"].map((name) =>
      `101_ObjectCategories/${name}`
    );
    await writeFiles(`${folder}/caltech-101`, filled(classes, 41));
    await checkDrawn(openCaltech101, folder, { train: 30, test: 11 });
    await Deno.remove(`${folder}/caltech-101/${classes[1]}`, { recursive: true });
    await writeFiles(`${folder}/caltech-101`, filled(classes.slice(1), 30));
    await assertRejects(
      () => openCaltech101(folder),
      Error,
      "class accordion has 30 pictures, 31 are needed; unpack 101_ObjectCategories.tar.gz again",
    );
  }));

Deno.test("openEuroSat() draws three parts of 500 of each class", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, filled(["2750/AnnualCrop", "2750/SeaLake"], 1510));
    await checkDrawn(openEuroSat, folder, { train: 500, val: 500, test: 500 });
  }));

Deno.test("openResisc45() draws 70 and 70 of each class, the rest is the test", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, filled(["NWPU/airplane", "NWPU/thermal_power_station"], 150));
    await checkDrawn(openResisc45, folder, { train: 70, val: 70, test: 10 });
  }));

Deno.test("openTinyImageNet() refuses fewer than its 200 classes", () =>
  inTempFolder(async (folder) => {
    const names = Array.from({ length: 200 }, (_, i) => `n${String(10_000_000 + i)}`);
    const root = "tiny-imagenet-200";
    await writeFiles(folder, {
      [`${root}/wnids.txt`]: names.map((name) => `${name}\n`).join(""),
      [`${root}/val/val_annotations.txt`]: `val_0.JPEG\t${names[3]}\t0\t32\t44\t62\n`,
      ...pictureFiles([`${root}/val/images/val_0.JPEG`]),
      ...pictureFiles(names.map((name) => `${root}/train/${name}/images/${name}_0.JPEG`)),
    });
    const { train, test } = await openTinyImageNet(folder);
    assertEquals([train.labels.length, [...test.labels]], [200, [3]]);
    await Deno.remove(`${folder}/${root}/train/${names[0]}`, { recursive: true });
    await assertRejects(() => openTinyImageNet(folder), Error, "it has 199 classes");
  }));
