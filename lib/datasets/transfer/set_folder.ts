/** Finds the unpacked files of a published set, and says in one line what is wrong with them. */
import { dirname, join } from "@std/path";
import { statSync } from "node:fs";
import { absolutePath } from "lib/paths.ts";
import { stat } from "lib/datasets/files/data_folder.ts";
import { labelled, namesIn, storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import { kindOfName } from "lib/datasets/pictures/picture_names.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";

/** What is downloaded of a set, and how its folder is recognised. */
export interface Download {
  /** Name of the set in captions and messages: `Food-101`. */
  readonly name: string;
  /** The names of the archives or files that are downloaded: `food-101.tar.gz`. */
  readonly archives: readonly string[];
  /** Paths, one of which the set's own folder holds once all is unpacked: `meta/train.txt`. */
  readonly markers: readonly string[];
}

/** A set that was found. */
export interface SetFolder extends Download {
  /** Absolute path of the folder that holds one of the markers. */
  readonly root: string;
}

/** A picture of a set by its path below the set's folder, with the index of its class. */
export interface Listed {
  readonly id: string;
  readonly label: number;
}

/**
 * Finds the folder that holds a marker of the set: the one given, or one in it, at most two folders
 * down, whatever its name.
 *
 * @param folder `~` is the home folder; a relative path starts at the current one.
 * @throws {Error} If there is none; the message names what is missing or still packed.
 */
export async function findSet(folder: string, download: Download): Promise<SetFolder> {
  const { name, archives, markers } = download;
  const top = absolutePath(folder);
  if (!(await stat(top))?.isDirectory) {
    throw new Error(`Cannot find ${name}: there is no folder ${top}; ${unpack(download, "there")}`);
  }
  let level = [top];
  for (let depth = 0; depth <= 2; depth++) {
    if (depth > 0) level = level.flatMap(foldersIn);
    for (const root of level) {
      for (const path of markers) if (await stat(join(root, path))) return { ...download, root };
    }
  }
  const packed = namesIn(top).filter((file) => archives.includes(file));
  const why = packed.length > 0
    ? `${packed.join(" and ")} ${packed.length === 1 ? "is" : "are"} still packed`
    : `there is no ${markers.join(" or ")} in it, nor in a folder of it`;
  throw new Error(`Cannot find ${name} in ${top}: ${why}; ${unpack(download, "there")}`);
}

function unpack({ archives }: Download, where: string): string {
  const packed = archives.every((name) => /\.(zip|tar|tgz|gz)$/.test(name));
  return `${packed ? "unpack" : "put"} ${archives.join(" and ")} ${where}`;
}

/** Absolute paths of the folders in a folder, without those that systems make for their own use. */
function foldersIn(folder: string): string[] {
  return namesIn(folder).filter((name) => kindOfName(name) === "other")
    .map((name) => join(folder, name)).filter(isFolder);
}

/** Whether there is a folder at this path. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** An error about a set's files, with the way to mend them. @param what Names the file. */
export function wrongSet(set: SetFolder, what: string): Error {
  return new Error(`Cannot use ${set.name} in ${set.root}: ${what}; ${unpack(set, "again")}`);
}

/** The bytes of a file of the set. @throws {Error} If it is missing. */
export async function readSetFile(set: SetFolder, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(join(set.root, path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw wrongSet(set, `${path} is missing`);
  }
}

/**
 * The lines of a text of the set that are not blank, each taken apart by a pattern.
 *
 * @param pattern Must match each line; a line gives its groups.
 * @throws {Error} If the file is missing or empty, or a line does not match; the message names it.
 */
export async function readSetLines(
  set: SetFolder,
  path: string,
  pattern: RegExp,
): Promise<string[][]> {
  const text = new TextDecoder().decode(await readSetFile(set, path));
  const lines = text.split("\n").map((line) => line.trim());
  const parts = lines.flatMap((line, i) => {
    if (line === "") return [];
    const match = pattern.exec(line);
    if (match) return [match.slice(1)];
    throw wrongSet(set, `line ${i + 1} of ${path} is unlike the published ones: "${line}"`);
  });
  if (parts.length === 0) throw wrongSet(set, `${path} is empty`);
  return parts;
}

/**
 * Makes a part of a set of listed pictures, all of which must be there.
 *
 * @param part `train`, `val` or `test`.
 * @throws {Error} If pictures are missing or a label has no class; the message names the first.
 */
export function storedPart(
  set: SetFolder,
  part: string,
  classNames: readonly string[],
  pictures: readonly Listed[],
): StoredImages {
  const ids = pictures.map(({ id }) => id);
  requirePictures(set, ids);
  const wrong = pictures.find(({ label }) => !(label >= 0 && label < classNames.length));
  if (wrong) {
    throw wrongSet(
      set,
      `the class of ${wrong.id} (number ${wrong.label}, from 0) is none of its ${classNames.length}`,
    );
  }
  const stored = storedInFolder(`${set.name}, ${part}`, set.root, ids);
  return labelled(stored, classNames, (i) => pictures[i]!.label);
}

/**
 * @throws {Error} If pictures with these paths below the set's folder are not there, or one is
 *   listed twice.
 */
export function requirePictures(set: SetFolder, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) throw wrongSet(set, `${id} is listed twice`);
    seen.add(id);
  }
  const folders = Map.groupBy(ids, (id) => dirname(id));
  const missing = [...folders].flatMap(([folder, listed]) => {
    const path = join(set.root, folder);
    const there = new Set(isFolder(path) ? namesIn(path) : []);
    return listed.filter((id) => !there.has(id.slice(id.lastIndexOf("/") + 1)));
  });
  if (missing.length > 0) {
    throw wrongSet(
      set,
      `${missing.length} of ${ids.length} listed pictures are missing, first ${missing[0]}`,
    );
  }
}
