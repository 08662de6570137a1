import { create } from "tar";
import golden from "lib/datasets/golden/mat.json" with { type: "json" };
import { type ImageNetOptions, openImageNet } from "./imagenet.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { idOf, openStored, type StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** Classes in the order of WordNet's numbers; the development kit's order has the fox first. */
const wnids = ["n01440764", "n02119789"];
const trainNames = ["n01440764/n01440764_10.JPEG", "n01440764/n01440764_9.JPEG"]
  .concat(["n02119789/n02119789_1.JPEG"]);
const valNames = [1, 2, 3].map((i) => `ILSVRC2012_val_0000000${i}.JPEG`);
const valLabels = [0, 0, 1];

/** The same pictures as folders in `folders/`, as the archives of 2012 in `archives/`. */
async function fixture(folder: string): Promise<void> {
  for (const [i, name] of [...trainNames, ...valNames].entries()) {
    const path = `${folder}/folders/${i < 3 ? "train" : "val"}/${name}`;
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(path, await jpeg(i, 24, 18));
  }
  await Deno.mkdir(`${folder}/archives`);
  await Deno.mkdir(`${folder}/classes`);
  for (const wnid of wnids.toReversed()) { // not in order, as nobody promises it
    const cwd = `${folder}/folders/train/${wnid}`;
    const names = [...Deno.readDirSync(cwd)].map(({ name }) => name).sort().reverse();
    await create({ file: `${folder}/classes/${wnid}.tar`, cwd }, names);
  }
  await create(
    { file: `${folder}/archives/ILSVRC2012_img_train.tar`, cwd: `${folder}/classes` },
    wnids.toReversed().map((wnid) => `${wnid}.tar`),
  );
  const cwd = `${folder}/folders/val`;
  await create({ file: `${folder}/archives/ILSVRC2012_img_val.tar`, cwd }, valNames.toReversed());
  const data = `${folder}/ILSVRC2012_devkit_t12/data`;
  await Deno.mkdir(data, { recursive: true });
  await Deno.writeFile(`${data}/meta.mat`, Uint8Array.fromBase64(golden.compressed));
  await Deno.writeTextFile(`${data}/ILSVRC2012_validation_ground_truth.txt`, "2\n2\n1\n");
  await create(
    { file: `${folder}/archives/ILSVRC2012_devkit_t12.tar.gz`, gzip: true, cwd: folder },
    ["ILSVRC2012_devkit_t12"],
  );
}

function inFixture(run: (folder: string, options: ImageNetOptions) => Promise<void>) {
  return inTempFolder(async (folder) => {
    await fixture(folder);
    await run(folder, { numClasses: 2, indexFolder: `${folder}/index`, log: () => {} });
  });
}

async function contents(set: StoredImages) {
  using files = openStored(set);
  const indices = Array.from({ length: imageCount(set) }, (_, i) => i);
  return {
    ids: indices.map((i) => idOf(set, i)),
    labels: [...set.labels],
    classNames: set.classNames,
    bytes: await Promise.all(indices.map(async (i) => [...await files.read(i)])),
  };
}

Deno.test("openImageNet() finds the same in folders and in the archives of 2012, and lists those once", () =>
  inFixture(async (folder, options) => {
    const map = valNames.map((name, i) => `${name} ${wnids[valLabels[i]!]}\n`).join("");
    await Deno.writeTextFile(`${folder}/folders/val_map.txt`, map);
    const fromFolders = await openImageNet(`${folder}/folders`, options);
    const train = await contents(fromFolders.train);
    assertEquals(train.ids, trainNames);
    assertEquals(train.labels, [0, 0, 1]);
    assertEquals(train.classNames, wnids);
    assertEquals(train.bytes[0], [...await jpeg(0, 24, 18)]);
    const val = await contents(fromFolders.val);
    assertEquals([val.ids, val.labels], [valNames, valLabels]);
    const fromArchives = await openImageNet(`${folder}/archives`, options);
    assertEquals(await contents(fromArchives.train), train);
    assertEquals(await contents(fromArchives.val), val);
    // Listed again it would be empty.
    const path = `${folder}/archives/ILSVRC2012_img_train.tar`;
    const { size, mtime } = await Deno.stat(path);
    await Deno.writeFile(path, new Uint8Array(size));
    await Deno.utime(path, mtime!, mtime!);
    const again = await openImageNet(`${folder}/archives`, options);
    assertEquals(again.train, fromArchives.train);
    await Deno.truncate(path, 1024);
    await assertRejects(() => openImageNet(`${folder}/archives`, options), Error, "0 classes");
  }));

Deno.test("openImageNet() reads validation classes from folders, Kaggle's list, numbers, the devkit's folder", () =>
  inFixture(async (folder, options) => {
    const root = `${folder}/folders`;
    const expectLabels = async () => {
      const { val } = await openImageNet(root, options);
      assertEquals([...val.labels], valLabels);
    };
    const kaggle = valNames.map((name, i) =>
      `${name.slice(0, -5)},${wnids[valLabels[i]!]} 1 2 3 4`
    );
    const lists = {
      "LOC_val_solution.csv": ["ImageId,PredictionString", ...kaggle.toReversed()],
      "val.txt": valNames.map((name, i) => `${name} ${valLabels[i]}`),
    };
    for (const [name, lines] of Object.entries(lists)) {
      await Deno.writeTextFile(`${root}/${name}`, lines.join("\n"));
      await expectLabels();
      await Deno.remove(`${root}/${name}`);
    }
    await Deno.rename(`${folder}/ILSVRC2012_devkit_t12`, `${root}/ILSVRC2012_devkit_t12`);
    await expectLabels();
    for (const [i, name] of valNames.entries()) {
      const wnid = wnids[valLabels[i]!]!;
      await Deno.mkdir(`${root}/val/${wnid}`, { recursive: true });
      await Deno.rename(`${root}/val/${name}`, `${root}/val/${wnid}/${name}`);
    }
    await expectLabels();
  }));

Deno.test("openImageNet() says in one line what is missing or wrong, and what to do", () =>
  inFixture(async (folder, options) => {
    const fails = (place: string, text: string, change: ImageNetOptions = {}) =>
      assertRejects(
        () => openImageNet(`${folder}/${place}`, { ...options, ...change }),
        Error,
        text,
      );
    await fails("none", `there is no folder ${folder}/none; need train/ and val/`);
    await fails("classes", `training pictures in ${folder}/classes`);
    await fails("folders", "classes of ImageNet's validation pictures");
    await fails("folders", "it has 2 classes for training, 1000 are wanted", { numClasses: 1000 });
    const list = `${folder}/folders/val_map.txt`;
    await Deno.writeTextFile(list, `${valNames[0]} n01440764\n`);
    await fails("folders", `class of ${valNames[1]}: ${list} does not name it`);
    await Deno.writeTextFile(list, valNames.map((name) => `${name} n99999999\n`).join(""));
    await fails("folders", `${valNames[0]}: its class n99999999, by ${list}, is not among the 2`);
    await Deno.writeTextFile(list, `${valNames[0]} 7\n`);
    await fails("folders", `"${valNames[0]} 7" names no class`);
    const archive = `${folder}/archives/ILSVRC2012_img_train.tar`;
    const bytes = await Deno.readFile(archive);
    for (const length of [bytes.length / 2, bytes.length - 1024]) {
      await Deno.writeFile(archive, bytes.subarray(0, length));
      await fails("archives", "is cut short");
    }
    await Deno.writeFile(archive, bytes);
    await Deno.remove(`${folder}/archives/ILSVRC2012_img_val.tar`);
    await fails("archives", "validation pictures");
    await Deno.rename(`${folder}/classes/n01440764.tar`, archive);
    await fails("archives", "it has 1 classes for training, 2 are wanted");
  }));
