/** Readers of the sets whose parts and classes are in text files beside the pictures. */
import {
  findSet,
  type Listed,
  readSetLines,
  type SetFolder,
  storedPart,
  wrongSet,
} from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

/** Describable textures (Cimpoi et al. 2014); the first of ten published ways to part it. */
export async function openDtd(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "DTD",
    archives: ["dtd-r1.0.1.tar.gz"],
    markers: ["labels/train1.txt"],
  });
  const lists: string[][][] = [];
  for (const part of ["train", "val", "test"]) {
    lists.push(await readSetLines(set, `labels/${part}1.txt`, /^((.+)\/.+\.jpg)$/));
  }
  const classNames = [...new Set(lists.flat().map(([, name]) => name!))].sort();
  const [train, val, test] = lists.map((lines) =>
    lines.map(([path, name]) => ({ id: `images/${path}`, label: classNames.indexOf(name!) }))
  );
  return {
    train: storedPart(set, "train", classNames, train!),
    val: storedPart(set, "val", classNames, val!),
    test: storedPart(set, "test", classNames, test!),
  };
}

/** Dishes (Bossard, Guillaumin and Van Gool 2014); the labels of `train` are noisy on purpose. */
export async function openFood101(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Food-101",
    archives: ["food-101.tar.gz"],
    markers: ["meta/train.txt"],
  });
  const classNames = await readColumn(set, "meta/classes.txt", /^(\S+)$/);
  const part = async (name: string) => {
    const lines = await readSetLines(set, `meta/${name}.txt`, /^((.+)\/\d+)$/);
    const listed = lines.map(([path, dish]) => ({
      id: `images/${path}.jpg`,
      label: classNames.indexOf(dish!),
    }));
    return storedPart(set, name, classNames, listed);
  };
  return { train: await part("train"), test: await part("test") };
}

/** Breeds of cats and dogs (Parkhi et al. 2012); `trainval` is for training. */
export async function openPets(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Oxford-IIIT Pet",
    archives: ["images.tar.gz", "annotations.tar.gz"],
    markers: ["annotations/trainval.txt"],
  });
  const read = (part: string) =>
    readSetLines(set, `annotations/${part}.txt`, /^((.+)_\d+) (\d+) [12] \d+$/);
  const [train, test] = [await read("trainval"), await read("test")];
  const classNames: string[] = [];
  for (const [, breed, number] of train) classNames[Number(number) - 1] = breed!;
  const listed = (lines: readonly string[][]) =>
    lines.map(([name, , number]) => ({ id: `images/${name}.jpg`, label: Number(number) - 1 }));
  return {
    train: storedPart(set, "train", classNames, listed(train)),
    test: storedPart(set, "test", classNames, listed(test)),
  };
}

/** Variants of aircraft (Maji et al. 2013), `707-320` to `Yak-42`. */
export async function openAircraft(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "FGVC-Aircraft",
    archives: ["fgvc-aircraft-2013b.tar.gz"],
    markers: ["data/variants.txt"],
  });
  const classNames = await readColumn(set, "data/variants.txt", /^(.+)$/);
  const part = async (name: string) => {
    const lines = await readSetLines(set, `data/images_variant_${name}.txt`, /^(\d+) (.+)$/);
    const listed = lines.map(([number, variant]) => ({
      id: `data/images/${number}.jpg`,
      label: classNames.indexOf(variant!),
    }));
    return storedPart(set, name, classNames, listed);
  };
  return { train: await part("train"), val: await part("val"), test: await part("test") };
}

/** Birds (Wah et al. 2011), CUB-200-2011. */
export async function openCub(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "CUB-200-2011",
    archives: ["CUB_200_2011.tgz"],
    markers: ["train_test_split.txt"],
  });
  const classNames = await readColumn(set, "classes.txt", /^\d+ (\S+)$/);
  const paths = await readSetLines(set, "images.txt", /^(\d+) (\S+)$/);
  const labels = await readByNumber(set, "image_class_labels.txt", paths.length);
  const training = await readByNumber(set, "train_test_split.txt", paths.length);
  const listed = (wanted: number): Listed[] =>
    paths.filter(([number]) => training.get(number!) === wanted)
      .map(([number, path]) => ({ id: `images/${path}`, label: labels.get(number!)! - 1 }));
  return {
    train: storedPart(set, "train", classNames, listed(1)),
    test: storedPart(set, "test", classNames, listed(0)),
  };
}

/** A text with a picture's number and another number on each line. */
async function readByNumber(
  set: SetFolder,
  path: string,
  count: number,
): Promise<Map<string, number>> {
  const lines = await readSetLines(set, path, /^(\d+) (\d+)$/);
  if (lines.length !== count) {
    throw wrongSet(set, `${path} has ${lines.length} lines, images.txt has ${count}`);
  }
  return new Map(lines.map(([number, value]) => [number!, Number(value)]));
}

/** Scenes (Xiao et al. 2010); the first of ten published ways to part it, 50 and 50 of each class. */
export async function openSun397(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "SUN397",
    archives: ["SUN397.tar.gz", "Partitions.zip"],
    markers: ["ClassName.txt"],
  });
  const classNames = await readColumn(set, "ClassName.txt", /^\/(.+)$/);
  const part = async (name: string, list: string) => {
    const lines = await readSetLines(set, list, /^\/((.+)\/.+\.jpg)$/);
    const listed = lines.map(([path, scene]) => ({ id: path!, label: classNames.indexOf(scene!) }));
    return storedPart(set, name, classNames, listed);
  };
  return {
    train: await part("train", "Training_01.txt"),
    test: await part("test", "Testing_01.txt"),
  };
}

/** The first group of each line. */
async function readColumn(set: SetFolder, path: string, pattern: RegExp): Promise<string[]> {
  return (await readSetLines(set, path, pattern)).map(([first]) => first!);
}
