/** Sets of pictures that stay in their files, because no memory holds them. N pictures. */
import { join } from "@std/path";
import { type FileHandle, open, readFile } from "node:fs/promises";
import type { Raster } from "lib/augment/mod.ts";
import { decodePicture, decodeUpright } from "./decode_picture.ts";
import { imageCount, type ImageSet, subset } from "./images.ts";
import { evenIndices } from "./spread.ts";
import { packStrings, stringAt, type StringTable } from "./string_table.ts";

/**
 * Labelled pictures of any size, by where their bytes lie. It is plain data with its arrays in
 * shared memory, so that it can be sent to a thread.
 */
export interface StoredImages {
  /** Name of the set in captions and messages: `imagenet, train`. */
  readonly name: string;
  /** `[N]`, unique; in a folder, each picture's path below it. */
  readonly ids: StringTable;
  /** `[N]`, indices into `classNames`; −1 is unlabelled. */
  readonly labels: Int32Array;
  /** Name of each class, by its index. */
  readonly classNames: readonly string[];
  /** Where the bytes of the pictures lie. */
  readonly place: PicturePlace;
  /**
   * Whether pictures are seen as a viewer shows them (see `decodeUpright`). By default they are
   * seen as they are stored.
   */
  readonly upright?: boolean;
  /** Share of the pictures that may be damaged before it stops, 0 to 1. By default 0.01. */
  readonly maxBadFraction?: number;
}

/** Each picture in a file of its own, or all in one or several archives, at known positions. */
export type PicturePlace =
  | { readonly kind: "folder"; readonly folder: string }
  | {
    readonly kind: "archive";
    readonly path: string;
    /** `[N]`, first byte of each picture; beyond 2^32 in a large archive. */
    readonly offsets: Float64Array;
    /** `[N]`, in bytes. */
    readonly lengths: Uint32Array;
  }
  | {
    readonly kind: "archives";
    readonly folder: string;
    /** The paths of the archives below the folder. */
    readonly names: readonly string[];
    /** `[N]`, which archive each picture is in. */
    readonly which: Uint16Array;
    readonly offsets: Float64Array;
    readonly lengths: Uint32Array;
  };

/** Images in memory, or pictures in files: either trains a network and evaluates it. */
export type ImageSource = ImageSet | StoredImages;

/** Whether the pictures are in files. */
export function isStored(source: ImageSource): source is StoredImages {
  return "place" in source;
}

/**
 * Returns the source, which must be in memory.
 *
 * @param what What cannot be done with pictures in files, for the message.
 * @throws {RangeError} If it is not.
 */
export function inMemory(source: ImageSource, what: string): ImageSet {
  if (!isStored(source)) return source;
  throw new RangeError(`Cannot ${what}: the pictures of "${source.name}" stay in their files`);
}

/** The origin of an image, unique in its source. */
export function idOf(source: ImageSource, index: number): string {
  return isStored(source) ? stringAt(source.ids, index) : source.ids[index]!;
}

/**
 * Selects the pictures at `indices`, in that order.
 *
 * @throws {RangeError} If an index is outside the set.
 */
export function selectStored(set: StoredImages, indices: readonly number[]): StoredImages {
  const { place } = set;
  for (const index of indices) {
    if (Number.isInteger(index) && index >= 0 && index < imageCount(set)) continue;
    throw new RangeError(
      `Cannot take picture ${index} of "${set.name}": it has ${imageCount(set)} pictures`,
    );
  }
  const count = indices.length;
  const labels = new Int32Array(new SharedArrayBuffer(4 * count));
  labels.set(indices.map((index) => set.labels[index]!));
  const ids = packStrings(indices.map((index) => stringAt(set.ids, index)));
  if (place.kind === "folder") return { ...set, ids, labels };
  const offsets = new Float64Array(new SharedArrayBuffer(8 * count));
  const lengths = new Uint32Array(new SharedArrayBuffer(4 * count));
  offsets.set(indices.map((index) => place.offsets[index]!));
  lengths.set(indices.map((index) => place.lengths[index]!));
  if (place.kind === "archive") {
    return { ...set, ids, labels, place: { ...place, offsets, lengths } };
  }
  const which = new Uint16Array(new SharedArrayBuffer(2 * count));
  which.set(indices.map((index) => place.which[index]!));
  return { ...set, ids, labels, place: { ...place, which, offsets, lengths } };
}

/** Selects the images at `indices`, in that order, in memory or in their files. */
export function selectImages(source: ImageSource, indices: readonly number[]): ImageSource {
  return isStored(source) ? selectStored(source, indices) : subset(source, indices);
}

/** Selects at most `count` images, evenly spread over the set (see `evenIndices`). */
export function thinned<S extends ImageSource>(source: S, count: number): S;
export function thinned(source: ImageSource, count: number): ImageSource {
  if (count >= imageCount(source)) return source;
  return selectImages(source, evenIndices(imageCount(source), count));
}

/** Decodes the pictures of a set as they are to be seen. */
export function decoderOf({ upright }: StoredImages): (bytes: Uint8Array) => Promise<Raster> {
  return upright ? (bytes) => decodeUpright(bytes) : (bytes) => decodePicture(bytes);
}

/** Reads pictures as they are stored. */
export interface PictureBytes extends Disposable {
  /** @throws {Error} If they are not there any more; the message names file and picture. */
  read(index: number): Promise<Uint8Array>;
}

/** Opens the files of a set; an archive stays open until it is disposed of. */
export function openStored(set: StoredImages): PictureBytes {
  const { place } = set;
  let archive: Promise<FileHandle> | undefined;
  const gone = (where: string, index: number, reason: string) =>
    new Error(
      `Cannot read picture ${
        stringAt(set.ids, index)
      } of "${set.name}" from ${where}: ${reason}; ` +
        "put it back as it was when the run began",
    );
  return {
    async read(index) {
      if (place.kind === "folder") {
        const path = join(place.folder, stringAt(set.ids, index));
        return await readFile(path).catch((error) => {
          throw gone(path, index, error.code ?? error.message);
        });
      }
      const several = place.kind === "archives"; // of a thousand, none stays open
      const path = several ? join(place.folder, place.names[place.which[index]!]!) : place.path;
      const bytes = new Uint8Array(place.lengths[index]!);
      const file = await (several ? open(path) : archive ??= open(path)).catch((error) => {
        throw gone(path, index, error.code ?? error.message);
      });
      try {
        const { bytesRead } = await file.read(bytes, 0, bytes.length, place.offsets[index]!);
        if (bytesRead === bytes.length) return bytes;
        throw gone(path, index, `it ends after ${bytesRead} of ${bytes.length} bytes`);
      } finally {
        if (several) await file.close();
      }
    },
    [Symbol.dispose]() {
      archive?.then((file) => file.close(), () => {});
    },
  };
}
