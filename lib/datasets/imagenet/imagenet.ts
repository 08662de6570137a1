/**
 * ImageNet-1K (Russakovsky et al. 2015): 1,281,167 training and 50,000 validation pictures of 1,000
 * classes, as their owner has them: sorted into folders, or in the archives that are downloaded.
 */
import { dirname } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { dataFolder, stat } from "lib/datasets/files/data_folder.ts";
import { labelled } from "lib/datasets/pictures/picture_index.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { stringAt } from "lib/datasets/pictures/string_table.ts";
import { readValLabels, valLabelsHelp } from "./imagenet_labels.ts";
import { wnidOfPicture } from "./imagenet_names.ts";
import { findPictures, type FoundPictures, layout, type Places } from "./imagenet_places.ts";

export interface ImageNetOptions {
  /** Folders of a subset of the classes, ImageNet-100 say, have fewer. */
  readonly numClasses?: number;
  /** The folder in which lists of archives are kept; by default, `data/imagenet-index`. */
  readonly indexFolder?: string;
  /** Gets a line for each thing that takes long, or is passed over. By default it is printed. */
  readonly log?: (line: string) => void;
}

/**
 * Finds ImageNet's pictures; none is read yet.
 *
 * Classes are numbered in the order of their wnids, as everyone does, and pictures come class by
 * class in the order of their names, from folders and archives alike. An archive is searched once,
 * and the list kept. data/README.md says which layouts are read.
 *
 * @param folder `~` is the home folder; a relative path starts at the current one.
 * @throws {Error} If something is missing, cut short, or not as many classes; the message names the
 *   file and what to do.
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
  const places: Places = { root, indexFolder: absolutePath(indexFolder), log };
  const found = await findPictures("train", places);
  const classes = classesOf(found.set);
  const wnids = [...new Set(classes as string[])].sort();
  checkCount(found, wnids.length, numClasses);
  const train = numbered(found.set, wnids, classes as string[], found.path);
  return { train, val: await openVal(places, wnids) };
}

function checkCount({ path, emptyClasses }: FoundPictures, count: number, wanted: number): void {
  if (count === wanted) return;
  const empty = emptyClasses.length === 0
    ? ""
    : ` (${emptyClasses.length} more have no picture, first ${emptyClasses[0]})`;
  throw new Error(
    `Cannot use ImageNet in ${path}: it has ${count} classes for training${empty}, ${wanted} are wanted; unpack all of it, or ` +
      `set numClasses to ${count}, if that is the set you mean`,
  );
}

async function openVal(places: Places, wnids: readonly string[]): Promise<StoredImages> {
  const { set, path } = await findPictures("val", places);
  const classes = classesOf(set);
  const first = classes.indexOf(undefined);
  if (first < 0) return numbered(set, wnids, classes as string[], path);
  const listed = await readValLabels([places.root, path, dirname(path)], wnids);
  if (!listed) {
    throw new Error(
      `Cannot find the classes of ImageNet's validation pictures in ${path} (${
        stringAt(set.ids, first)
      }, …): ${valLabelsHelp}`,
    );
  }
  const all = classes.map((wnid, i) => wnid ?? listed.wnidOf(stringAt(set.ids, i)));
  return numbered(set, wnids, all, listed.path);
}

/** `[N]`: each picture's class, where its path tells. */
function classesOf(set: StoredImages): (string | undefined)[] {
  return Array.from(set.labels, (_, i) => wnidOfPicture(stringAt(set.ids, i)));
}

/** @param where What the classes are from, for the message. */
function numbered(
  set: StoredImages,
  wnids: readonly string[],
  classes: readonly string[],
  where: string,
): StoredImages {
  const numbers = new Map(wnids.map((name, number) => [name, number]));
  return labelled(set, wnids, (index) => {
    const number = numbers.get(classes[index]!);
    if (number !== undefined) return number;
    throw new Error(
      `Cannot use ${stringAt(set.ids, index)}: its class ${
        classes[index]
      }, by ${where}, is not among the ` +
        `${wnids.length} of the training pictures; mend one or the other`,
    );
  });
}
