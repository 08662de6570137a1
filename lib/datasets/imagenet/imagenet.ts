/**
 * ImageNet-1K (Russakovsky et al. 2015): 1,281,167 training and 50,000 validation pictures of 1,000 classes, as their owner has
 * them: sorted into folders, or in the archives that are downloaded.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { dataFolder, stat } from "lib/datasets/files/data_folder.ts";
import {
  readValLabels,
  valLabelsHelp,
  type WnidOf,
} from "lib/datasets/imagenet/imagenet_labels.ts";
import {
  type ArchivedPicture,
  indexedArchive,
  labelled,
  namesIn,
  storedInFolder,
} from "lib/datasets/pictures/picture_index.ts";
import { isPicture } from "lib/datasets/pictures/picture_names.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { stringAt } from "lib/datasets/pictures/string_table.ts";
import { tarMembers } from "lib/datasets/files/tar_members.ts";

const trainArchive = "ILSVRC2012_img_train.tar";
const valArchive = "ILSVRC2012_img_val.tar";
const wnid = /^n\d{8}$/;

/** What a folder must hold, for messages. */
const layout =
  `need train/ and val/ with a folder for each class, or ${trainArchive} and ${valArchive}; ` +
  `for validation pictures that lie in one place, ${valLabelsHelp}`;

export interface ImageNetOptions {
  /** Folders of a subset of the classes, ImageNet-100 say, have fewer. */
  readonly numClasses?: number;
  /** Where lists of archives are kept; by default, `data/imagenet-index`. */
  readonly indexFolder?: string;
  /** Gets a line for each thing that takes long. */
  readonly log?: (line: string) => void;
}

/**
 * Finds ImageNet's pictures; none is read yet.
 *
 * Classes are numbered in the order of their wnids, as everyone does, and pictures come class by class in the order of their
 * names, from folders and archives alike. An archive is searched once, and the list kept.
 *
 * @param folder `~` is the home folder.
 * @throws {Error} If something is missing, cut short, or not as many classes; the message names the file and what to do.
 */
export async function openImageNet(
  folder: string,
  {
    numClasses = 1000,
    indexFolder = dataFolder("imagenet-index"),
    log = console.log,
  }: ImageNetOptions = {},
): Promise<{ train: StoredImages; val: StoredImages }> {
  const root = absolutePath(folder);
  if (!(await stat(root))?.isDirectory) {
    throw new Error(`Cannot find ImageNet: there is no folder ${root}; ${layout}`);
  }
  const places = { root, indexFolder, log };
  const found = await openTrain(places);
  const wnids = [...new Set(classesOf(found))].sort();
  const train = byFolder(found, wnids, join(root, "train"));
  if (wnids.length !== numClasses) {
    throw new Error(
      `Cannot use ImageNet in ${root}: it has ${wnids.length} classes for training, ${numClasses} are wanted; ` +
        `unpack all of ${trainArchive}, or set numClasses`,
    );
  }
  return { train, val: await openVal(places, wnids) };
}

interface Places {
  readonly root: string;
  readonly indexFolder: string;
  readonly log: (line: string) => void;
}

async function openTrain({ root, indexFolder, log }: Places): Promise<StoredImages> {
  const folder = join(root, "train");
  if ((await stat(folder))?.isDirectory) {
    return storedInFolder("imagenet, train", folder, inClassFolders(folder));
  }
  const path = join(root, trainArchive);
  if (!await stat(path)) {
    throw new Error(`Cannot find ImageNet's training pictures in ${root}: ${layout}`);
  }
  const search = () => withFile(path, (file) => searchTrain(file, path, log));
  return await indexedArchive("imagenet, train", path, indexFolder, search);
}

async function openVal(places: Places, wnids: readonly string[]): Promise<StoredImages> {
  const { root, indexFolder, log } = places;
  const name = "imagenet, val";
  const folder = join(root, "val");
  if ((await stat(folder))?.isDirectory) {
    const sorted = inClassFolders(folder);
    if (sorted.length > 0) return byFolder(storedInFolder(name, folder, sorted), wnids, folder);
    const flat = namesIn(folder).filter(isPicture);
    if (flat.length > 0) return await byList(storedInFolder(name, folder, flat), wnids, places);
  }
  const path = join(root, valArchive);
  const size = (await stat(path))?.size;
  if (size === undefined) {
    throw new Error(`Cannot find ImageNet's validation pictures in ${root}: ${layout}`);
  }
  const search = () => {
    log(`imagenet: listing ${path}`);
    const members = withFile(path, (file) => [...tarMembers(file, whole(path))]);
    return sortedById(members.map(({ name, ...place }) => ({ id: name, ...place })));
  };
  return await byList(await indexedArchive(name, path, indexFolder, search), wnids, places);
}

/** `n01440764/n01440764_18.JPEG`, … */
function inClassFolders(folder: string): string[] {
  return namesIn(folder).filter((name) => wnid.test(name)).flatMap((name) =>
    namesIn(join(folder, name)).filter(isPicture).map((file) => `${name}/${file}`)
  );
}

/** An archive of archives, one for each class. */
function searchTrain(file: number, path: string, log: (line: string) => void): ArchivedPicture[] {
  const pictures: ArchivedPicture[] = [];
  let classes = 0;
  for (const { name, ...place } of tarMembers(file, whole(path))) {
    const className = name.replace(/\.tar$/, "");
    if (!wnid.test(className)) {
      throw new Error(`Cannot use ${path}: ${name} in it is no class; is it ${trainArchive}?`);
    }
    for (const member of tarMembers(file, { name: `${name} in ${path}`, ...place })) {
      pictures.push({ ...member, id: `${className}/${member.name}` });
    }
    if (++classes % 100 === 0) log(`imagenet: ${classes} classes of ${path} listed`);
  }
  return sortedById(pictures);
}

/** So that they come as from folders. */
function sortedById(pictures: readonly ArchivedPicture[]): ArchivedPicture[] {
  return pictures.filter(({ id }) => isPicture(id))
    .map(({ id, offset, length }) => ({ id, offset, length }))
    .sort((a, b) => a.id < b.id ? -1 : 1);
}

function whole(path: string) {
  return { name: path, offset: 0, length: Deno.statSync(path).size };
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, "r");
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/** The first folder of each picture's path. */
function* classesOf(set: StoredImages): Generator<string> {
  for (let i = 0; i < set.labels.length; i++) yield stringAt(set.ids, i).split("/", 1)[0]!;
}

function byFolder(set: StoredImages, wnids: readonly string[], folder: string): StoredImages {
  const classes = [...classesOf(set)];
  return numbered(set, wnids, (index) => classes[index]!, folder);
}

async function byList(
  set: StoredImages,
  wnids: readonly string[],
  { root }: Places,
): Promise<StoredImages> {
  const found = await readValLabels(root, wnids);
  if (!found) {
    throw new Error(
      `Cannot find the classes of ImageNet's validation pictures in ${root}: ${valLabelsHelp}`,
    );
  }
  const wnidOf: WnidOf = found.wnidOf;
  return numbered(set, wnids, (index) => wnidOf(stringAt(set.ids, index)), found.path);
}

function numbered(
  set: StoredImages,
  wnids: readonly string[],
  wnidOf: (index: number) => string,
  where: string,
): StoredImages {
  const numbers = new Map(wnids.map((name, number) => [name, number]));
  return labelled(set, wnids, (index) => {
    const name = wnidOf(index);
    const number = numbers.get(name);
    if (number !== undefined) return number;
    throw new Error(
      `Cannot use ${stringAt(set.ids, index)}: its class ${name}, by ${where}, is not among the ` +
        `${wnids.length} of the training pictures; mend one or the other`,
    );
  });
}
