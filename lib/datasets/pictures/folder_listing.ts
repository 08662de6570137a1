/**
 * Lists a folder of pictures: the pictures with their classes, and in words what is passed over.
 */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { stat } from "lib/datasets/files/data_folder.ts";
import { inWords, nothingPassedOver, type PassedOver, plural, some } from "./passed_over.ts";
import { kindOfName, pictureKinds } from "./picture_names.ts";

/** A folder's pictures. Nothing of them is read yet. */
export interface FolderListing {
  /** Absolute. */
  readonly folder: string;
  /** Sorted by code unit; empty if the pictures lie in one place, without classes. */
  readonly classNames: readonly string[];
  /** Class by class, in the order of their names. */
  readonly pictures: readonly ListedPicture[];
  /** Everything that was not taken, and why, in one line; empty if everything was taken. */
  readonly passedOver: string;
}

export interface ListedPicture {
  /** Path of the picture below the folder, with `/` between folders. */
  readonly id: string;
  /** Index into `classNames`; −1 without classes. */
  readonly label: number;
}

/**
 * Lists the pictures of a folder.
 *
 * Each subfolder with pictures in it, at any depth, is a class; a folder without such subfolders
 * gives pictures without classes. Symbolic links are followed. Hidden files and what operating
 * systems leave (`__MACOSX`, `Thumbs.db`), files that are no pictures, class folders without a
 * picture and pictures beside class folders are passed over.
 *
 * @throws {Error} If there is no folder or no picture, or it is unclear which folders are the
 *   classes; the message says what to do.
 */
export async function listPictureFolder(path: string): Promise<FolderListing> {
  const folder = absolutePath(path);
  await requireFolder(folder);
  const passed = nothingPassedOver();
  const top = entriesOf(folder, "", passed);
  const classes = top.folders.map((name) => ({
    name: name.normalize("NFC"), // macOS stores names decomposed, others do not
    ids: picturesBelow(folder, name, passed, [realpathSync(folder)]),
  }));
  const full = classes.filter(({ ids }) => ids.length > 0);
  passed.emptyClasses.push(
    ...classes.filter(({ ids }) => ids.length === 0).map(({ name }) => name),
  );
  if (full.length === 0) {
    if (top.pictures.length === 0) throw nothingIn(folder, passed);
    const pictures = top.pictures.map((id) => ({ id, label: -1 }));
    return { folder, classNames: [], pictures, passedOver: inWords(passed) };
  }
  passed.beside.push(...top.pictures);
  const classNames = [...new Set(full.map(({ name }) => name))].sort();
  requireClear(folder, classNames, full.map(({ ids }) => ids), passed.beside.length);
  const pictures = full.flatMap(({ name, ids }) =>
    ids.map((id) => ({ id, label: classNames.indexOf(name) }))
  );
  return { folder, classNames, pictures, passedOver: inWords(passed) };
}

async function requireFolder(folder: string): Promise<void> {
  const info = await stat(folder);
  if (info === undefined) throw new Error(`Cannot find the folder ${folder}: check its name`);
  if (info.isDirectory) return;
  throw new Error(
    `Cannot use ${folder}: it is a file; give the folder that holds the images` +
      (isArchive(folder) ? ", once it is unpacked" : ""),
  );
}

function isArchive(name: string): boolean {
  return /\.(zip|tar|tgz|tar\.\w+|7z|rar)$/i.test(name);
}

/** Names in one folder, sorted by code unit: the same on every machine. */
interface Entries {
  readonly folders: readonly string[];
  readonly pictures: readonly string[];
}

function entriesOf(folder: string, below: string, passed: PassedOver): Entries {
  const [folders, pictures]: [string[], string[]] = [[], []];
  for (const entry of sortedEntries(join(folder, below))) {
    const id = below === "" ? entry.name : `${below}/${entry.name}`;
    const kind = kindOfName(entry.name);
    if (kind === "system") {
      passed.system.push(id);
      continue;
    }
    const info = entry.isSymbolicLink() ? followed(join(folder, id)) : entry;
    if (info === undefined) passed.brokenLinks.push(id);
    else if (info.isDirectory()) folders.push(entry.name);
    else if (kind === "picture" && info.isFile()) pictures.push(id);
    else (kind === "other picture" ? passed.otherPicture : passed.other).push(id);
  }
  return { folders, pictures };
}

function sortedEntries(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    throw new Error(
      `Cannot read the folder ${path}: ${(error as { code?: string }).code ?? error}`,
    );
  }
}

/** What a link leads to; `undefined` if that is not there, or is the link itself. */
function followed(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The pictures in a folder and in all folders below it.
 *
 * @param above Real paths of the folders that it lies in: a link back to one of them would lead
 *   round in a circle.
 */
function picturesBelow(
  root: string,
  below: string,
  passed: PassedOver,
  above: readonly string[],
): string[] {
  const real = realpathSync(join(root, below));
  if (above.includes(real)) {
    passed.circles.push(below);
    return [];
  }
  const { folders, pictures } = entriesOf(root, below, passed);
  const inside = folders.flatMap((name) =>
    picturesBelow(root, `${below}/${name}`, passed, [...above, real])
  );
  return [...pictures, ...inside];
}

const splitNames = /^(train|training|test|testing|val|valid|validation)$/i;

/** Refuses folders of which a person may have meant the one above or below. */
function requireClear(
  folder: string,
  classNames: readonly string[],
  ids: readonly (readonly string[])[],
  beside: number,
): void {
  if (classNames.length > 1) {
    if (!classNames.every((name) => splitNames.test(name))) return;
    throw new Error(
      `Cannot take the classes of ${folder}: its folders are ${classNames.join(" and ")}; ` +
        "give one of them for training and one for testing",
    );
  }
  const [name] = classNames;
  if (beside > 0) {
    throw new Error(
      `Cannot take the classes of ${folder}: it holds ${plural(beside, "picture")} and one ` +
        `folder with pictures, ${name}; sort all into a folder for each class, or take ${name} out`,
    );
  }
  const inside = new Set(ids[0]!.map((id) => id.split("/").slice(1, -1)[0]));
  if (inside.has(undefined) || inside.size < 2) return;
  throw new Error(
    `Cannot take the classes of ${folder}: it holds one folder, ${name}, and that holds ` +
      `${some([...inside] as string[])}; if those are the classes, give ${join(folder, name!)}`,
  );
}

function nothingIn(folder: string, passed: PassedOver): Error {
  const archive = passed.other.find(isArchive);
  const holds = inWords(passed);
  return new Error(
    `Cannot find pictures in ${folder}: ${holds ? `it holds only ${holds}` : "it is empty"}; ` +
      (archive
        ? `unpack ${archive}`
        : `put ${pictureKinds} pictures there, or in one subfolder for each class`),
  );
}
