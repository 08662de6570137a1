/**
 * Reads CIFAR-10 and CIFAR-100 (Krizhevsky 2009), 32×32 colour images, from their binary version,
 * unpacked or not.
 */
import { join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { dataFolder, stat } from "lib/datasets/files/data_folder.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { unpackArchive } from "lib/datasets/files/unpack_archive.ts";

const side = 32; // pixels
const imageBytes = 3 * side * side; // a plane of red, one of green, one of blue

/** How a version of CIFAR is stored. Its numbers are those of the published files. */
export interface CifarLayout {
  readonly name: string;
  /** The name of the archive that is downloaded. */
  readonly archive: string;
  /** The folder that it unpacks to. */
  readonly folder: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Images in each file of `train`, and of `test`. */
  readonly imagesInFile: { readonly train: number; readonly test: number };
  /** Bytes before each image's pixels, and which of them is the label. */
  readonly labelBytes: number;
  readonly labelAt: number;
  /** The text with a class on each line. */
  readonly classes: string;
}

const cifar10: CifarLayout = {
  name: "CIFAR-10",
  archive: "cifar-10-binary.tar.gz",
  folder: "cifar-10-batches-bin",
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ["test_batch.bin"],
  imagesInFile: { train: 10_000, test: 10_000 },
  labelBytes: 1,
  labelAt: 0,
  classes: "batches.meta.txt",
};

const cifar100 = (labels: "fine" | "coarse"): CifarLayout => ({
  name: "CIFAR-100",
  archive: "cifar-100-binary.tar.gz",
  folder: "cifar-100-binary",
  train: ["train.bin"],
  test: ["test.bin"],
  imagesInFile: { train: 50_000, test: 10_000 },
  labelBytes: 2,
  labelAt: labels === "fine" ? 1 : 0,
  classes: `${labels}_label_names.txt`,
});

export interface CifarOptions {
  /**
   * The folder of the files or the archive; by default, `data/cifar-10` and `data/cifar-100`. `~`
   * is the home folder.
   */
  readonly folder?: string;
  /** The first so many of 50,000: they are in random order already. */
  readonly trainCount?: number;
  /** The first so many of 10,000. */
  readonly testCount?: number;
}

/**
 * @throws {Error} If a file is missing or has another length than the published one; the message
 *   says what to do.
 */
export function loadCifar10(
  { folder = dataFolder("cifar-10"), ...counts }: CifarOptions = {},
): Promise<{ train: ImageSet; test: ImageSet }> {
  return loadCifar(cifar10, folder, counts);
}

/**
 * @param options.labels 100 classes, or the 20 that group them.
 * @throws {Error} For the reasons of {@linkcode loadCifar10}.
 */
export function loadCifar100(
  { labels, folder = dataFolder("cifar-100"), ...counts }: CifarOptions & {
    readonly labels: "fine" | "coarse";
  },
): Promise<{ train: ImageSet; test: ImageSet }> {
  return loadCifar(cifar100(labels), folder, counts);
}

/** Loads either set by its layout. @throws {Error} For the reasons of {@linkcode loadCifar10}. */
export async function loadCifar(
  layout: CifarLayout,
  folder: string,
  { trainCount = Infinity, testCount = Infinity }: Omit<CifarOptions, "folder"> = {},
): Promise<{ train: ImageSet; test: ImageSet }> {
  const read = await openFiles(layout, absolutePath(folder));
  const text = new TextDecoder().decode((await read(layout.classes)).bytes);
  const classNames = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const load = (split: "train" | "test", count: number) =>
    readSplit(layout, split, classNames, count, read);
  return { train: await load("train", trainCount), test: await load("test", testCount) };
}

type ReadFile = (name: string) => Promise<{ bytes: Uint8Array; path: string }>;

async function openFiles(layout: CifarLayout, folder: string): Promise<ReadFile> {
  for (const place of [folder, join(folder, layout.folder)]) {
    if (!await stat(join(place, layout.test[0]!))) continue;
    return async (name) => {
      const path = join(place, name);
      if (await stat(path)) return { bytes: await Deno.readFile(path), path };
      throw new Error(
        `Cannot read ${layout.name}: ${path} is missing; unpack ${layout.archive} again`,
      );
    };
  }
  const archive = join(folder, layout.archive);
  if (!await stat(archive)) {
    const other = await otherVersion(folder);
    throw new Error(
      `Cannot find ${layout.name} in ${folder}: ${
        other ? `${other} is another version of it; ` : ""
      }put ${layout.archive}, its binary version, there, unpacked or not`,
    );
  }
  const files = await unpackArchive(archive);
  return (name) => {
    const bytes = files.get(name);
    if (bytes) return Promise.resolve({ bytes, path: `${name} in ${archive}` });
    throw new Error(`Cannot read ${layout.name}: ${name} is not in ${archive}; download it again`);
  };
}

/** The file or folder in which the versions for Python or MATLAB are, if one is there. */
async function otherVersion(folder: string): Promise<string | undefined> {
  if (!(await stat(folder))?.isDirectory) return undefined;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return names.find((name) => /^cifar-100?-(python|matlab|batches-py|batches-mat)/.test(name));
}

async function readSplit(
  layout: CifarLayout,
  split: "train" | "test",
  classNames: readonly string[],
  wanted: number,
  read: ReadFile,
): Promise<ImageSet> {
  const inFile = layout.imagesInFile[split];
  const count = Math.min(wanted, inFile * layout[split].length);
  const pixels = new Uint8Array(count * imageBytes);
  const labels = new Int32Array(count);
  const record = layout.labelBytes + imageBytes;
  for (let file = 0; file * inFile < count; file++) {
    const { bytes, path } = await read(layout[split][file]!);
    if (bytes.length !== inFile * record) {
      throw new Error(
        `Cannot use ${path}: ${layout.name} has ${
          inFile * record
        } bytes there, current length is ${bytes.length}; ` +
          `get ${layout.archive} again`,
      );
    }
    for (let i = file * inFile; i < Math.min(count, (file + 1) * inFile); i++) {
      const at = (i % inFile) * record;
      labels[i] = bytes[at + layout.labelAt]!;
      interleave(bytes.subarray(at + layout.labelBytes, at + record), pixels, i * imageBytes);
    }
  }
  return checkImageSet({
    name: `${layout.name.toLowerCase()}, ${split}`,
    height: side,
    width: side,
    pixels,
    labels,
    classNames,
    ids: Array.from({ length: count }, (_, i) => `${split}/${i}`),
  });
}

/** Turns three planes into pixels. */
function interleave(planes: Uint8Array, out: Uint8Array, start: number): void {
  const size = side * side;
  for (let p = 0, o = start; p < size; p++, o += 3) {
    out[o] = planes[p]!;
    out[o + 1] = planes[size + p]!;
    out[o + 2] = planes[2 * size + p]!;
  }
}
