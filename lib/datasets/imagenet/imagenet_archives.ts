/**
 * Lists the pictures in ImageNet's archives, as they are downloaded or as people pack them again.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "@std/path";
import { type TarMember, tarMembers } from "lib/datasets/files/tar_members.ts";
import type { ArchivedPicture } from "lib/datasets/pictures/picture_index.ts";
import { isPicture, kindOfName } from "lib/datasets/pictures/picture_names.ts";
import { isWnid, plainPath, wnidOfArchive, wnidOfPicture } from "./imagenet_names.ts";

type Log = (line: string) => void;

/**
 * The training pictures of an archive: one of archives, one for each class, as it is downloaded; or
 * of folders or pictures whose names carry the class.
 *
 * @returns Sorted, with ids as from folders: `n01440764/n01440764_18.JPEG`.
 * @throws {Error} If there is something else in it, or it is cut short; the message says what.
 */
export function searchTrain(path: string, log: Log): ArchivedPicture[] {
  return withFile(path, (file, whole) => {
    const pictures: ArchivedPicture[] = [];
    let classes = 0;
    for (const member of membersOf(file, whole)) {
      const className = wnidOfArchive(member.name);
      if (className !== undefined) {
        const range = { ...member, name: `${member.name} in ${path}` };
        pictures.push(...inClass(membersOf(file, range), className));
        if (++classes % 100 === 0) log(`imagenet: ${classes} classes of ${path} listed`);
      } else if (isPictureOfClass(member)) pictures.push(inClass([member])[0]!);
      else if (!isText(member.name)) {
        throw new Error(
          `Cannot use ${path}: ${member.name} in it is neither the archive of a class nor a picture whose name or folder tells ` +
            "its class; is it ILSVRC2012_img_train.tar?",
        );
      }
    }
    return sortedById(pictures);
  });
}

/**
 * The pictures of archives of one class each, `n01440764.tar`, in a folder. Sorted, with ids as
 * from folders.
 */
export function searchClasses(
  folder: string,
  names: readonly string[],
  log: Log,
): ArchivedPicture[] {
  const pictures = names.flatMap((archive, i) => {
    if ((i + 1) % 100 === 0) log(`imagenet: ${i + 1} archives in ${folder} listed`);
    return withFile(
      join(folder, archive),
      (file, whole) =>
        inClass(membersOf(file, whole), wnidOfArchive(archive)!)
          .map((picture) => ({ ...picture, archive })),
    );
  });
  return sortedById(pictures);
}

/** The pictures of an archive of validation pictures. Sorted. */
export function searchVal(path: string, log: Log): ArchivedPicture[] {
  log(`imagenet: listing ${path}`);
  return withFile(path, (file, whole) =>
    sortedById(
      [...membersOf(file, whole)].filter(({ name }) => isPicture(lastPart(name)))
        .map(({ name, offset, length }) => ({ id: fromClassOn(name), offset, length })),
    ));
}

/** Files of an archive under plain names, without what macOS packs beside them. */
function* membersOf(
  file: number,
  range: { readonly name: string; readonly offset: number; readonly length: number },
): Generator<TarMember> {
  for (const member of tarMembers(file, range)) {
    const name = plainPath(member.name);
    if (!name.split("/").some((part) => kindOfName(part) === "system")) yield { ...member, name };
  }
}

function isPictureOfClass({ name }: TarMember): boolean {
  return isPicture(lastPart(name)) && wnidOfPicture(name) !== undefined;
}

/** Lists of boxes and the like, as Tiny ImageNet has them. */
function isText(name: string): boolean {
  return /\.(txt|csv|xml|json|md)$/i.test(name);
}

/**
 * Pictures as they would lie in the folder of their class.
 *
 * @param className By default what their names say.
 */
function inClass(members: Iterable<TarMember>, className?: string): ArchivedPicture[] {
  return [...members].filter(({ name }) => isPicture(lastPart(name)))
    .map(({ name, offset, length }) => ({
      id: `${className ?? wnidOfPicture(name)}/${lastPart(name)}`,
      offset,
      length,
    }));
}

/**
 * `val/n01440764/a.JPEG` → `n01440764/a.JPEG`, `val/a.JPEG` → `a.JPEG`: as below the folder of the
 * set.
 */
function fromClassOn(path: string): string {
  const parts = path.split("/");
  const first = parts.findIndex(isWnid);
  return parts.slice(first < 0 ? -1 : first).join("/");
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Sorts pictures into the order that they have in folders. */
function sortedById(pictures: ArchivedPicture[]): ArchivedPicture[] {
  return pictures.sort((a, b) => a.id < b.id ? -1 : 1);
}

const compressed: Readonly<Record<string, string>> = {
  "1f8b": "gzip",
  "425a": "bzip2",
  "fd37": "xz",
  "504b": "ZIP",
};

/**
 * @throws {Error} If it is compressed: then nothing in it can be found without reading all of it.
 */
function withFile<T>(
  path: string,
  use: (file: number, whole: { name: string; offset: number; length: number }) => T,
): T {
  const file = openSync(path, "r");
  try {
    const first = new Uint8Array(2);
    readSync(file, first, 0, 2, 0);
    const kind = compressed[first.toHex()];
    if (kind !== undefined) {
      throw new Error(
        `Cannot use ${path}: it is compressed (${kind}); unpack it once, to a plain .tar or to folders`,
      );
    }
    return use(file, { name: path, offset: 0, length: Deno.statSync(path).size });
  } finally {
    closeSync(file);
  }
}
