/**
 * Lists of pictures in folders and archives. A list is kept on disk, so that an archive is searched
 * once.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "@std/path";
import { writeAtomically } from "lib/datasets/files/data_folder.ts";
import { packStrings } from "./string_table.ts";
import type { StoredImages } from "./stored_images.ts";

/** A picture of an archive. */
export interface ArchivedPicture {
  /** Path below the data set that the picture would have if the archive were unpacked. */
  readonly id: string;
  /** Bytes from the start of the archive. */
  readonly offset: number;
  readonly length: number;
  /** The path of its archive below a folder, if there are several archives. */
  readonly archive?: string;
}

/**
 * The names in a folder, sorted by code unit: the same on every machine.
 *
 * @throws {Error} If there is no such folder.
 */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Makes a set of the pictures at these paths below a folder, without labels. */
export function storedInFolder(name: string, folder: string, ids: readonly string[]): StoredImages {
  const labels = new Int32Array(new SharedArrayBuffer(4 * ids.length)).fill(-1);
  return {
    name,
    ids: packStrings(ids),
    labels,
    classNames: [],
    place: { kind: "folder", folder },
  };
}

/** Makes a set of these pictures of an archive, without labels. */
export function storedInArchive(
  name: string,
  path: string,
  pictures: readonly ArchivedPicture[],
): StoredImages {
  const place = { kind: "archive", path, ...placesOf(pictures) } as const;
  return { name, ...unlabelledIds(pictures), classNames: [], place };
}

/** Makes a set of these pictures of several archives in a folder, without labels. */
export function storedInArchives(
  name: string,
  folder: string,
  pictures: readonly ArchivedPicture[],
): StoredImages {
  const names = [...new Set(pictures.map(({ archive }) => archive!))];
  const numbers = new Map(names.map((archive, number) => [archive, number]));
  const which = new Uint16Array(new SharedArrayBuffer(2 * pictures.length));
  pictures.forEach(({ archive }, i) => which[i] = numbers.get(archive!)!);
  const place = { kind: "archives", folder, names, which, ...placesOf(pictures) } as const;
  return { name, ...unlabelledIds(pictures), classNames: [], place };
}

function placesOf(pictures: readonly ArchivedPicture[]) {
  const offsets = new Float64Array(new SharedArrayBuffer(8 * pictures.length));
  const lengths = new Uint32Array(new SharedArrayBuffer(4 * pictures.length));
  pictures.forEach(({ offset, length }, i) => {
    offsets[i] = offset;
    lengths[i] = length;
  });
  return { offsets, lengths };
}

function unlabelledIds(pictures: readonly ArchivedPicture[]) {
  const labels = new Int32Array(new SharedArrayBuffer(4 * pictures.length)).fill(-1);
  return { labels, ids: packStrings(pictures.map(({ id }) => id)) };
}

/**
 * Gives the same pictures classes.
 *
 * @param labelOf The index into `classNames` of picture number i.
 */
export function labelled(
  set: StoredImages,
  classNames: readonly string[],
  labelOf: (index: number) => number,
): StoredImages {
  const labels = new Int32Array(new SharedArrayBuffer(4 * set.labels.length));
  for (let i = 0; i < labels.length; i++) labels[i] = labelOf(i);
  return { ...set, classNames, labels };
}

/**
 * Gives the pictures of archives as they were listed before, or else as `search` lists them now;
 * then the list is kept in `folder`.
 *
 * @param name Names the list.
 * @param paths The archives: a list holds as long as their paths, sizes and times of change are the
 *   same.
 */
export async function indexedPictures(
  name: string,
  paths: readonly string[],
  folder: string,
  search: () => ArchivedPicture[],
): Promise<ArchivedPicture[]> {
  const version = paths.map((path) => {
    const { size, mtimeMs } = statSync(path);
    return `1 ${path} ${size} ${Math.trunc(mtimeMs)}`;
  }).join("; ");
  const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.index.json`);
  const known = await Deno.readTextFile(file).catch(() => "");
  if (known.startsWith(`${JSON.stringify(version)}\n`)) {
    return known.trim().split("\n").slice(1).map(parseLine);
  }
  const pictures = search();
  const lines = pictures.map(({ id, offset, length, archive }) =>
    `${JSON.stringify([id, offset, length, archive])}\n`
  );
  await writeAtomically(file, encoded([`${JSON.stringify(version)}\n`, ...lines]));
  return pictures;
}

function parseLine(line: string): ArchivedPicture {
  const [id, offset, length, archive] = JSON.parse(line) as [string, number, number, string?];
  return { id, offset, length, ...(archive && { archive }) };
}

/** Encodes a few thousand lines at a time: a million are more than one string should hold. */
function* encoded(lines: readonly string[]): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let from = 0; from < lines.length; from += 4096) {
    yield encoder.encode(lines.slice(from, from + 4096).join(""));
  }
}
