/** Lists a folder of ImageNet's pictures. */
import { statSync } from "node:fs";
import { join } from "@std/path";
import { namesIn } from "lib/datasets/pictures/picture_index.ts";
import { kindOfName } from "lib/datasets/pictures/picture_names.ts";
import { isWnid, wnidOfArchive } from "./imagenet_names.ts";

/** Paths below the folder. */
export interface FolderContents {
  /** Pictures at any depth, sorted. */
  readonly pictures: readonly string[];
  /** Archives of classes, `n01440764.tar`, of which no folder with pictures is there. */
  readonly classArchives: readonly string[];
  /** Folders of classes without a picture. */
  readonly emptyClasses: readonly string[];
  /** Everything else that is a file. */
  readonly other: readonly string[];
  /** Folders in it, whatever their names. */
  readonly folders: readonly string[];
}

/** Lists a folder, and all folders in it. Links are followed; what systems leave is passed over. */
export function contentsOf(folder: string): FolderContents {
  const [pictures, other, archives]: string[][] = [[], [], []];
  const visit = (below: string, depth: number): void => {
    for (const name of namesIn(join(folder, below))) {
      const kind = kindOfName(name);
      if (kind === "system") continue;
      const id = below === "" ? name : `${below}/${name}`;
      if (kind === "picture") pictures!.push(id);
      else if (wnidOfArchive(name)) archives!.push(id);
      else if (depth < deepest && isFolder(join(folder, id))) visit(id, depth + 1);
      else other!.push(id);
    }
  };
  visit("", 0);
  pictures!.sort();
  const full = new Set(pictures!.flatMap((id) => id.split("/").filter(isWnid)));
  const folders = namesIn(folder).filter((name) =>
    kindOfName(name) === "other" && isFolder(join(folder, name))
  );
  return {
    pictures: pictures!,
    classArchives: archives!.filter((id) => !full.has(wnidOfArchive(id)!)),
    emptyClasses: folders.filter((name) => isWnid(name) && !full.has(name)),
    other: other!,
    folders,
  };
}

const deepest = 4; // folders below each other; a circle of links ends there

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * What a file is that was downloaded as a part of ImageNet and cannot be read as it is, and what to
 * do; `undefined` if it is nothing of that kind.
 */
export function otherDownload(name: string): string | undefined {
  if (/\.parquet$/.test(name)) {
    return `${name} is in Parquet: save its pictures as files, in a folder for each class`;
  }
  if (/\.tfrecord|-\d{5}-of-\d{5}$/.test(name)) {
    return `${name} is in TensorFlow's records: save their pictures as files, in a folder for each class`;
  }
  if (/\.(mdb|lmdb|rec|beton|npz|npy)$/.test(name)) {
    return `${name} holds pictures in a format of a training program: use the folders that it was made from`;
  }
  if (/\.(tar\.gz|tgz|tar\.bz2|tar\.xz|zip|tar)$/.test(name)) {
    return `${name} is still packed: unpack it, the training pictures into train/, those for validation into val/`;
  }
}
