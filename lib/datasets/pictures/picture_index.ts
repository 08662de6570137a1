/** Lists of stored pictures: from folders, from an archive, and on disk, so that an archive is searched once. */
import { readdirSync } from "node:fs";
import { join } from "@std/path";
import { stat, writeAtomically } from "lib/datasets/files/data_folder.ts";
import { packStrings } from "lib/datasets/pictures/string_table.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";

/** A picture of an archive. */
export interface ArchivedPicture {
  /** Its path below the data set, as it would have if it were unpacked. */
  readonly id: string;
  /** Bytes from the start of the archive. */
  readonly offset: number;
  readonly length: number;
}

/** Names in a folder, sorted by code unit: the same on every machine. @throws {Error} If there is no such folder. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** The pictures at these paths below a folder, without labels. */
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

/** These pictures of an archive, without labels. */
export function storedInArchive(
  name: string,
  path: string,
  pictures: readonly ArchivedPicture[],
): StoredImages {
  const count = pictures.length;
  const labels = new Int32Array(new SharedArrayBuffer(4 * count)).fill(-1);
  const offsets = new Float64Array(new SharedArrayBuffer(8 * count));
  const lengths = new Uint32Array(new SharedArrayBuffer(4 * count));
  pictures.forEach(({ offset, length }, i) => {
    offsets[i] = offset;
    lengths[i] = length;
  });
  const ids = packStrings(pictures.map(({ id }) => id));
  const place = { kind: "archive", path, offsets, lengths } as const;
  return { name, ids, labels, classNames: [], place };
}

/** The same pictures with classes. @param labelOf Index into `classNames`, by number. */
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
 * The pictures of an archive as they were listed before, or else as `search` lists them now; then they are kept in `folder`.
 * A list holds for an archive of the same path, size and time of change.
 */
export async function indexedArchive(
  name: string,
  path: string,
  folder: string,
  search: () => ArchivedPicture[],
): Promise<StoredImages> {
  const info = (await stat(path))!;
  const version = `1 ${path} ${info.size} ${info.mtime?.getTime()}`;
  const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.index.json`);
  const known = await Deno.readTextFile(file).catch(() => "");
  if (known.startsWith(`${JSON.stringify(version)}\n`)) {
    return storedInArchive(name, path, known.trim().split("\n").slice(1).map(parseLine));
  }
  const pictures = search();
  const lines = pictures.map(({ id, offset, length }) =>
    `${JSON.stringify([id, offset, length])}\n`
  );
  await writeAtomically(file, encoded([`${JSON.stringify(version)}\n`, ...lines]));
  return storedInArchive(name, path, pictures);
}

function parseLine(line: string): ArchivedPicture {
  const [id, offset, length] = JSON.parse(line) as [string, number, number];
  return { id, offset, length };
}

/** In parts of a few thousand lines: a million are more than one string should be. */
function* encoded(lines: readonly string[]): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let from = 0; from < lines.length; from += 4096) {
    yield encoder.encode(lines.slice(from, from + 4096).join(""));
  }
}
