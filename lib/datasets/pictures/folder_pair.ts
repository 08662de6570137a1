/**
 * A person's own pictures: a folder for training and one for testing, with classes that are matched
 * by their names.
 */
import { sep } from "node:path";
import { type FolderListing, listPictureFolder } from "./folder_listing.ts";
import {
  checkOptions,
  defaultBadFraction,
  type ImageFolderOptions,
  loadListed,
} from "./image_folder.ts";
import { some } from "./passed_over.ts";
import type { ImageSet } from "./images.ts";
import { labelled, storedInFolder } from "./picture_index.ts";
import { evenIndicesByClass } from "./spread.ts";
import type { ImageSource, StoredImages } from "./stored_images.ts";

/** The folders; `~` is the home folder, and relative paths start at the current one. */
export interface FolderPair {
  readonly train: string;
  readonly test: string;
}

export interface FolderPairOptions extends ImageFolderOptions {
  /** Largest number of pictures, chosen evenly over each class. By default all. */
  readonly trainCount?: number;
  readonly testCount?: number;
  /**
   * Bytes that the pixels of both folders may take in memory, `size × size × 3` for each picture.
   * If they take more, the pictures stay in their files, and are read and decoded again whenever
   * they are needed. By default 2 GiB.
   */
  readonly mostBytes?: number;
}

/** The pictures of both folders. If both have classes, labels are indices into those of `train`. */
export type ListedPair = Readonly<Record<"train" | "test", FolderListing>>;

/**
 * Lists what {@linkcode openFolderPair} would open.
 *
 * @throws {Error} For the reasons of {@linkcode openFolderPair}, except damaged pictures.
 */
export async function listFolderPair(
  { train, test }: FolderPair,
  { trainCount = Infinity, testCount = Infinity, log = console.warn }: Omit<
    FolderPairOptions,
    "size"
  >,
): Promise<ListedPair> {
  const pair = { train: await listPictureFolder(train), test: await listPictureFolder(test) };
  for (const { folder, passedOver } of [pair.train, pair.test]) {
    if (passedOver) log(`Passed over in ${folder}: ${passedOver}`);
  }
  checkFolders(pair, log);
  const matched = { train: pair.train, test: withLabelsOf(pair, log) };
  return { train: chosen(matched.train, trainCount), test: chosen(matched.test, testCount) };
}

/**
 * Opens a person's own pictures. Classes of the two folders are the same if their names are. The
 * log names those that are only in `train`. If a folder has no class folders, its labels are −1.
 *
 * @throws {RangeError} If an option is out of range.
 * @throws {Error} If a folder or its pictures are missing, too many are damaged, a class is only in
 *   `test`, or one folder lies in the other; the message says what to do.
 */
export async function openFolderPair(
  folders: FolderPair,
  options: FolderPairOptions,
): Promise<Readonly<Record<"train" | "test", ImageSource>>> {
  checkOptions(options);
  const { size, mostBytes = 2 ** 31, log = console.warn } = options;
  const { train, test } = await listFolderPair(folders, options);
  const count = train.pictures.length + test.pictures.length;
  const bytes = count * size * size * 3;
  if (bytes <= mostBytes) {
    const { images } = await loadListed(train, options);
    const tested = await loadListed(test, options);
    requireTrained(images, tested.images);
    return { train: images, test: tested.images };
  }
  const [needed, limit] = [gigabytes(bytes), gigabytes(mostBytes)];
  log(
    `${count} pictures of ${size} × ${size} pixels would take ${needed} of memory, more than ` +
      `${limit}: they stay in their files, and views are cut from them at their full size`,
  );
  return { train: stored(train, options), test: stored(test, options) };
}

/** Refuses test pictures of a class of which all training pictures are damaged. */
function requireTrained(train: ImageSet, test: ImageSet): void {
  const known = new Set(train.labels);
  const label = known.has(-1) ? undefined : test.labels.find((label) => !known.has(label));
  if (label === undefined || label < 0) return;
  const name = test.classNames[label];
  throw new Error(
    `Cannot test on ${test.name}: of its class ${name}, every picture in ${train.name} is ` +
      "damaged; mend one, or take the class out",
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Refuses two folders if one lies in the other. If they are one folder, the log says so. */
function checkFolders({ train, test }: ListedPair, log: (line: string) => void): void {
  const [a, b] = [Deno.realPathSync(train.folder), Deno.realPathSync(test.folder)];
  if (a === b) {
    log(
      `${train.folder} is given for training and for testing: scores say nothing about new pictures`,
    );
    return;
  }
  const inside = (inner: string, outer: string) =>
    inner.startsWith(outer.replace(/[/\\]$/, "") + sep);
  if (!inside(a, b) && !inside(b, a)) return;
  throw new Error(
    `Cannot train on ${train.folder} and test on ${test.folder}: one lies in the other, so that its pictures would be ` +
      "in both; put them beside each other",
  );
}

/** The test pictures with the classes of the training pictures. */
function withLabelsOf({ train, test }: ListedPair, log: (line: string) => void): FolderListing {
  const { classNames } = train;
  if (classNames.length === 0 || test.classNames.length === 0) return test;
  const numbers = test.classNames.map((name) => classNames.indexOf(name));
  const unknown = test.classNames.filter((_, i) => numbers[i]! < 0);
  if (unknown.length > 0) throw notTrained(unknown, train, test);
  const untested = classNames.filter((name) => !test.classNames.includes(name));
  if (untested.length > 0) {
    log(
      `${untested.length} of ${classNames.length} classes of ${train.folder} without a test picture: ` +
        some(untested),
    );
  }
  return {
    ...test,
    classNames,
    pictures: test.pictures.map(({ id, label }) => ({ id, label: numbers[label]! })),
  };
}

function notTrained(unknown: readonly string[], train: FolderListing, test: FolderListing): Error {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[\s_-]+/g, "");
  const alike = train.classNames.find((name) => plain(name) === plain(unknown[0]!));
  const what = unknown.length === 1
    ? `its class ${unknown[0]} is`
    : `its classes ${some(unknown)} are`;
  return new Error(
    `Cannot test on ${test.folder}: ${what} not among the ${train.classNames.length} of ${train.folder} ` +
      `(${some(train.classNames)}); ` +
      (alike
        ? `rename ${unknown[0]} to ${alike}, if that is the class`
        : "add training pictures of it, or take it out"),
  );
}

/** Chooses at most `count` pictures of a listing, evenly over each class. */
function chosen(listing: FolderListing, count: number): FolderListing {
  const { pictures } = listing;
  const indices = evenIndicesByClass(pictures.map(({ label }) => label), count);
  return { ...listing, pictures: indices.map((index) => pictures[index]!) };
}

/** The pictures of a listing, which stay in their files. */
function stored(
  { folder, classNames, pictures }: FolderListing,
  { maxBadFraction = defaultBadFraction }: ImageFolderOptions,
): StoredImages {
  const set = storedInFolder(folder, folder, pictures.map(({ id }) => id));
  const withLabels = labelled(set, classNames, (index) => pictures[index]!.label);
  return { ...withLabels, upright: true, maxBadFraction };
}
