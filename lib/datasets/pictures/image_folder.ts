/**
 * Reads any folder of pictures into memory: with a subfolder for each class, like ImageNet, or
 * without classes.
 */
import { readFile } from "node:fs/promises";
import { join } from "@std/path";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import { decodeOrReason } from "./damage_reason.ts";
import { decodeUpright } from "./decode_picture.ts";
import { type FolderListing, listPictureFolder } from "./folder_listing.ts";
import { checkImageSet, type ImageSet } from "./images.ts";

const concurrency = 8; // pictures at a time; libvips has threads of its own
const mostNamed = 20; // damaged files that are logged, one on a line

/**
 * Share of a person's own pictures that may be damaged before it stops, unless they say otherwise.
 */
export const defaultBadFraction = 0.2;

export interface ImageFolderOptions {
  /** Pixels a side: the short side is resized to it, and the centre kept. */
  readonly size: number;
  /** Share of the pictures that may be damaged before it stops, 0 to 1. By default 0.2. */
  readonly maxBadFraction?: number;
  /**
   * Gets a line for each damaged file, and one for everything else that is passed over. By default
   * it is printed.
   */
  readonly log?: (line: string) => void;
}

/** What a folder holds. */
export interface ImageFolder {
  readonly images: ImageSet;
  /** Files that could not be read, with the reason. */
  readonly bad: readonly BadPicture[];
}

/** A damaged picture. */
export interface BadPicture {
  /** Absolute. */
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the pictures of a folder, in the order of their names: JPEG, PNG, WebP, TIFF, GIF (its
 * first frame), AVIF and BMP; grey, CMYK, 16 bits a channel, turned by EXIF, transparent (laid on
 * grey) and all.
 *
 * Subfolders with pictures in them, at any depth, are classes, in the order of their names; a
 * folder without such subfolders gives images without labels. See {@linkcode listPictureFolder} for
 * what is passed over. A damaged picture is named, skipped and counted.
 *
 * @param folder `~` is the home folder; a relative path starts at the current one.
 * @throws {RangeError} If an option is out of range.
 * @throws {Error} If there is no folder or no picture, or too many pictures are damaged; the
 *   message says what to do.
 */
export async function loadImageFolder(
  folder: string,
  { log = console.warn, ...options }: ImageFolderOptions,
): Promise<ImageFolder> {
  checkOptions(options);
  const listing = await listPictureFolder(folder);
  if (listing.passedOver) log(`Passed over in ${listing.folder}: ${listing.passedOver}`);
  return await loadListed(listing, { log, ...options });
}

/** @throws {RangeError} If an option is out of range. */
export function checkOptions(
  { size, maxBadFraction = defaultBadFraction }: Pick<
    ImageFolderOptions,
    "size" | "maxBadFraction"
  >,
): void {
  if (!(Number.isInteger(size) && size >= 8 && size <= 4096)) {
    throw new RangeError(`Cannot load images at ${size} pixels: need an integer from 8 to 4096`);
  }
  if (!(maxBadFraction >= 0 && maxBadFraction <= 1)) {
    throw new RangeError(`Cannot allow a share of ${maxBadFraction} damaged files: need 0 to 1`);
  }
}

/**
 * Reads the pictures that a listing names.
 *
 * @throws {Error} If too many are damaged, or none is whole.
 */
export async function loadListed(
  { folder, classNames, pictures }: FolderListing,
  { size, maxBadFraction = defaultBadFraction, log = console.warn }: ImageFolderOptions,
): Promise<ImageFolder> {
  const length = size * size * 3;
  const pixels = new Uint8Array(pictures.length * length);
  const reasons = await mapInOrder([...pictures.keys()], concurrency, async (i) => {
    const found = await decodeFile(join(folder, pictures[i]!.id), size);
    if (typeof found === "string") return found;
    pixels.set(found, i * length);
  });
  const bad = reasons.flatMap((reason, i) =>
    reason === undefined ? [] : [{ path: join(folder, pictures[i]!.id), reason }]
  );
  sayBad(bad, log);
  if (bad.length === pictures.length || bad.length > maxBadFraction * pictures.length) {
    throw tooManyBad(folder, bad, pictures.length);
  }
  const good = pictures.filter((_, i) => reasons[i] === undefined);
  const images = checkImageSet({
    name: `${folder}, ${size} px`,
    height: size,
    width: size,
    pixels: withoutGaps(pixels, length, reasons.map((reason) => reason === undefined)),
    labels: Int32Array.from(good, ({ label }) => label),
    classNames,
    ids: good.map(({ id }) => id),
  });
  return { images, bad };
}

/** `[size, size, 3]`, or why the file cannot be read. */
async function decodeFile(path: string, size: number): Promise<Uint8Array | string> {
  const bytes = await readFile(path).catch((error) => String(error.code ?? error.message));
  if (typeof bytes === "string") return `it cannot be opened (${bytes})`;
  const found = await decodeOrReason(bytes, (bytes) => decodeUpright(bytes, size));
  return typeof found === "string" ? found : found.data;
}

/** The rows of the good pictures, moved together within their memory. */
function withoutGaps(pixels: Uint8Array, length: number, kept: readonly boolean[]): Uint8Array {
  let to = 0;
  kept.forEach((keep, from) => {
    if (!keep) return;
    pixels.copyWithin(to * length, from * length, (from + 1) * length);
    to++;
  });
  return pixels.subarray(0, to * length);
}

function sayBad(bad: readonly BadPicture[], log: (line: string) => void): void {
  for (const { path, reason } of bad.slice(0, mostNamed)) log(`Skipped ${path}: ${reason}`);
  if (bad.length > mostNamed) log(`… and ${bad.length - mostNamed} more damaged files`);
}

function tooManyBad(folder: string, bad: readonly BadPicture[], count: number): Error {
  const { path, reason } = bad[0]!;
  return new Error(
    `Cannot use ${folder}: ${bad.length} of ${count} pictures are damaged, first ${path} (${reason}); ` +
      "mend or remove them, or raise maxBadFraction",
  );
}
