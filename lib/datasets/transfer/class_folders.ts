/** Sets whose pictures lie in a folder for each class. */
import { join } from "@std/path";
import { namesIn } from "lib/datasets/pictures/picture_index.ts";
import { isPicture, kindOfName } from "lib/datasets/pictures/picture_names.ts";
import { createRng } from "lib/rng.ts";
import { isFolder, type Listed, type SetFolder, wrongSet } from "./set_folder.ts";

/** The pictures of a folder of classes. */
export interface ClassFolders {
  /** Names of the folders, sorted by code unit. */
  readonly classNames: readonly string[];
  /** Class by class, in the order of their names. */
  readonly pictures: readonly Listed[];
}

/**
 * Lists the pictures in a folder for each class.
 *
 * @param path Of the folder that holds those of the classes, below the set's; empty for the set's.
 * @param wanted Whether a file is one of the set's pictures, by its name.
 * @throws {Error} If there is no such folder or no class in it, or a class has no picture.
 */
export function listClassFolders(
  set: SetFolder,
  path: string,
  wanted: (name: string) => boolean = isPicture,
): ClassFolders {
  const folder = join(set.root, path);
  if (!isFolder(folder)) throw wrongSet(set, `the folder ${path} is missing`);
  const classNames = namesIn(folder)
    .filter((name) => kindOfName(name) === "other" && isFolder(join(folder, name)));
  if (classNames.length === 0) throw wrongSet(set, `${path || "it"} has no folder of a class`);
  const pictures = classNames.flatMap((name, label) => {
    const below = path === "" ? name : `${path}/${name}`;
    const files = namesIn(join(folder, name)).filter(wanted);
    if (files.length === 0) throw wrongSet(set, `${below} has no picture`);
    return files.map((file) => ({ id: `${below}/${file}`, label }));
  });
  return { classNames, pictures };
}

/**
 * Draws the parts of a set that was published without any: so many pictures of each class for the
 * first part, so many of the others for the second, and so on, the same ones every time.
 *
 * @param counts Pictures of each class in each part; `Infinity` takes the rest.
 * @returns The parts, each class by class in the order of the names.
 * @throws {Error} If a class has too few pictures.
 */
export function drawParts(
  set: SetFolder,
  { classNames, pictures }: ClassFolders,
  counts: readonly number[],
): Listed[][] {
  const rng = createRng(0).fork(set.name);
  const parts: Listed[][] = counts.map(() => []);
  const needed = counts.reduce((sum, count) => sum + (count === Infinity ? 1 : count), 0);
  classNames.forEach((name, label) => {
    const own = pictures.filter((picture) => picture.label === label);
    if (own.length < needed) {
      throw wrongSet(set, `class ${name} has ${own.length} pictures, ${needed} are needed`);
    }
    const order = rng.fork(name).permutation(own.length);
    let start = 0;
    counts.forEach((count, part) => {
      const taken = [...order.subarray(start, Math.min(start + count, own.length))];
      parts[part]!.push(...taken.sort((a, b) => a - b).map((i) => own[i]!));
      start += taken.length;
    });
  });
  return parts;
}
