/**
 * Tells whether the pictures of a folder have changed, by their paths below it, their sizes and
 * their bytes.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "@std/path";
import type { FolderListing } from "./folder_listing.ts";

/**
 * A picture by its path below the folder, its size in bytes, when it was written (ms), and a digest
 * of its bytes.
 */
export type PictureMark = readonly [id: string, bytes: number, written: number, digest: string];

/** The pictures of a folder, as they were at some time. Plain data. */
export interface FolderFingerprint {
  /** Path of the folder then; it may have been moved since. */
  readonly folder: string;
  readonly pictures: readonly PictureMark[];
}

// Number of bytes that are read at the beginning, in the middle and at the end of a larger file.
const part = 65_536;

/** Takes the fingerprint of the pictures of a listing: reads 192 KB of each at most. */
export function folderFingerprint(
  { folder, pictures }: Pick<FolderListing, "folder" | "pictures">,
): FolderFingerprint {
  const marks = pictures.map(({ id }): PictureMark => {
    const path = join(folder, id);
    const { size, mtimeMs } = statSync(path);
    return [id, size, Math.round(mtimeMs), digestOf(path, size)];
  });
  return { folder, pictures: marks };
}

function digestOf(path: string, size: number): string {
  const hash = createHash("sha1");
  const file = openSync(path, "r");
  try {
    const isSmall = size <= 3 * part;
    const starts = isSmall ? [0] : [0, Math.floor((size - part) / 2), size - part];
    const buffer = new Uint8Array(isSmall ? size : part);
    for (const start of starts) {
      const read = readSync(file, buffer, 0, buffer.length, start);
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest("hex").slice(0, 16);
}

/** How a folder's pictures differ from what they were: paths below it. */
export interface FolderChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/**
 * Compares a folder with an earlier fingerprint. A picture of the same size that was written at the
 * same time is taken to be the same; one that was written at another time, as in a copy of the
 * folder, is read.
 */
export function folderChanges(
  before: FolderFingerprint,
  { folder, pictures }: Pick<FolderListing, "folder" | "pictures">,
): FolderChanges {
  const marks = new Map(before.pictures.map((mark) => [mark[0], mark]));
  const now = new Set(pictures.map(({ id }) => id));
  const isSame = (id: string) => {
    const [, bytes, written, digest] = marks.get(id)!;
    const path = join(folder, id);
    const { size, mtimeMs } = statSync(path);
    if (size !== bytes) return false;
    return Math.round(mtimeMs) === written || digestOf(path, size) === digest;
  };
  return {
    added: [...now].filter((id) => !marks.has(id)),
    removed: [...marks.keys()].filter((id) => !now.has(id)),
    changed: [...now].filter((id) => marks.has(id) && !isSame(id)),
  };
}

/** `3 added (owl/7.jpg, …), 1 changed (owl/1.jpg)`; empty if nothing is. */
export function changesInWords({ added, removed, changed }: FolderChanges): string {
  return Object.entries({ added, removed, changed }).flatMap(([what, ids]) => {
    if (ids.length === 0) return [];
    return [`${ids.length} ${what} (${ids[0]}${ids.length > 1 ? ", …" : ""})`];
  }).join(", ");
}
