/**
 * Finds ImageNet's training and validation pictures in a folder, whichever way it was downloaded.
 */
import { join } from "@std/path";
import { stat } from "lib/datasets/files/data_folder.ts";
import {
  indexedPictures,
  namesIn,
  storedInArchive,
  storedInArchives,
  storedInFolder,
} from "lib/datasets/pictures/picture_index.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { searchClasses, searchTrain, searchVal } from "./imagenet_archives.ts";
import { contentsOf, type FolderContents, otherDownload } from "./imagenet_folders.ts";
import { valLabelsHelp } from "./imagenet_labels.ts";
import { isWnid, wnidOfPicture } from "./imagenet_names.ts";

const archives = { train: "ILSVRC2012_img_train.tar", val: "ILSVRC2012_img_val.tar" } as const;
const folderNames = {
  train: ["train", "training", "ILSVRC2012_img_train"],
  val: ["val", "valid", "validation", "ILSVRC2012_img_val"],
} as const;
/**
 * Folders that downloads unpack to: Kaggle's, from wherever one starts in it, and Tiny ImageNet's.
 */
const insides = [
  ...["", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC", "ILSVRC2012"],
  ...["imagenet", "tiny-imagenet-200"],
];

export type ImageNetSplit = keyof typeof archives;

/** The contents that a folder must have, for messages. */
export const layout =
  `need train/ and val/ with a folder for each class, or ${archives.train} and ${archives.val}; ` +
  `for validation pictures that lie in one place, ${valLabelsHelp}`;

export interface Places {
  /** The folder that was given. */
  readonly root: string;
  /** The folder in which lists of archives are kept. */
  readonly indexFolder: string;
  readonly log: (line: string) => void;
}

/** The pictures of a split, without labels, and the folder or archive that they are in. */
export interface FoundPictures {
  readonly set: StoredImages;
  readonly path: string;
  /** Class folders without a picture. */
  readonly emptyClasses: readonly string[];
}

/**
 * Finds the pictures of a split: in folders, in the archive of the split, or for training in
 * archives of one class each.
 *
 * @throws {Error} If they are not there, or packed in another way; the message says what was found
 *   and what to do.
 */
export async function findPictures(split: ImageNetSplit, places: Places): Promise<FoundPictures> {
  const refusals: string[] = [];
  for (const inside of insides) {
    const base = join(places.root, inside);
    if (!(await stat(base))?.isDirectory) continue;
    for (const name of folderNames[split]) {
      const folder = join(base, name);
      if (!(await stat(folder))?.isDirectory) continue;
      const found = await inFolder(split, folder, places) ??
        await inArchive(split, join(folder, archives[split]), places);
      if (found) return found;
      refusals.push(refusalOf(folder));
    }
    const found = await inArchive(split, join(base, archives[split]), places);
    if (found) return found;
  }
  const what = split === "train" ? "training" : "validation";
  const other = refusals.find((text) => text !== "") ?? otherIn(places.root);
  throw new Error(
    `Cannot find ImageNet's ${what} pictures in ${places.root}: ${
      other ? `${other}; ` : ""
    }${layout}`,
  );
}

/** `imagenet, train`: in captions and messages, and the name of the list of an archive. */
function nameOf(split: ImageNetSplit): string {
  return `imagenet, ${split}`;
}

async function inArchive(
  split: ImageNetSplit,
  path: string,
  { indexFolder, log }: Places,
): Promise<FoundPictures | undefined> {
  if (!(await stat(path))?.isFile) return undefined;
  const search = () => (split === "train" ? searchTrain : searchVal)(path, log);
  const pictures = await indexedPictures(nameOf(split), [path], indexFolder, search);
  return { set: storedInArchive(nameOf(split), path, pictures), path, emptyClasses: [] };
}

async function inFolder(
  split: ImageNetSplit,
  folder: string,
  { indexFolder, log }: Places,
): Promise<FoundPictures | undefined> {
  const contents = contentsOf(folder);
  const { emptyClasses, classArchives } = contents;
  if (split === "train" && classArchives.length > 0) {
    return await inClassArchives(folder, contents, { indexFolder, log });
  }
  const pictures = split === "train" ? withClass(folder, contents, log) : contents.pictures;
  if (pictures.length === 0) return undefined;
  return { set: storedInFolder(nameOf(split), folder, pictures), path: folder, emptyClasses };
}

/** Training pictures whose path tells their class; others are named. */
function withClass(folder: string, { pictures }: FolderContents, log: Places["log"]): string[] {
  const known = pictures.filter((id) => wnidOfPicture(id) !== undefined);
  const unknown = pictures.length - known.length;
  if (known.length > 0 && unknown > 0) {
    const first = pictures.find((id) => wnidOfPicture(id) === undefined);
    log(
      `imagenet: passed over ${unknown} pictures in ${folder} whose class no name tells, first ${first}`,
    );
  }
  return known;
}

async function inClassArchives(
  folder: string,
  { pictures, classArchives }: FolderContents,
  { indexFolder, log }: Omit<Places, "root">,
): Promise<FoundPictures> {
  if (pictures.length > 0) {
    throw new Error(
      `Cannot use ${folder}: some of its classes are unpacked, as that of ${
        pictures[0]
      }, and ${classArchives.length} are not, first ` +
        `${classArchives[0]}; unpack each into a folder of its name`,
    );
  }
  const paths = classArchives.map((name) => join(folder, name));
  const search = () => searchClasses(folder, classArchives, log);
  const found = await indexedPictures(`${nameOf("train")}, classes`, paths, indexFolder, search);
  return { set: storedInArchives(nameOf("train"), folder, found), path: folder, emptyClasses: [] };
}

/** Why a folder's pictures are none of ImageNet's, in words; empty if it is just empty. */
function refusalOf(folder: string): string {
  const { pictures, folders, other } = contentsOf(folder);
  for (const name of other) {
    const reason = otherDownload(name);
    if (reason !== undefined) return `in ${folder}, ${reason}`;
  }
  if (pictures.length === 0) return `there is no picture in ${folder}`;
  const first = folders[0] === undefined ? pictures[0] : `${folders[0]}/`;
  return `the classes in ${folder} are not named by their WordNet numbers (${first}, …): rename them, or use ` +
    `kind "folder", which takes any names`;
}

/** What lies in the folder that was given, if that is a download of another kind. */
function otherIn(root: string): string | undefined {
  for (const name of namesIn(root)) {
    if (isWnid(name)) return `the class folders (${name}, …) lie in it: give the folder above it`;
    const reason = otherDownload(name);
    if (reason !== undefined) return reason;
  }
}
