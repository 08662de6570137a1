/** STL-10 (Coates, Ng and Lee 2011): ten classes of ImageNet at 96 pixels, and pictures without labels. */
import { join } from "@std/path";
import { stat } from "lib/datasets/files/data_folder.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { findSet, readSetFile, readSetLines, type SetFolder, wrongSet } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const side = 96; // pixels
const imageBytes = 3 * side * side;

const download = {
  name: "STL-10",
  archives: ["stl10_binary.tar.gz"],
  markers: ["train_X.bin"],
} as const;

/**
 * Reads the labelled pictures.
 *
 * @throws {Error} If a file is missing or has another length; the message names it.
 */
export async function openStl10(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, download);
  const classNames = (await readSetLines(set, "class_names.txt", /^(.+)$/)).map(([name]) => name!);
  const part = async (name: string) => {
    const labels = await readSetFile(set, `${name}_y.bin`);
    const count = await countOf(set, `${name}_X.bin`);
    if (count !== labels.length) {
      throw wrongSet(set, `${name}_X.bin has ${count} pictures, ${name}_y.bin ${labels.length}`);
    }
    const wrong = labels.findIndex((label) => label < 1 || label > classNames.length);
    if (wrong >= 0) throw wrongSet(set, `${name}_y.bin has the label ${labels[wrong]}`);
    const pixels = await readPixels(set, `${name}_X.bin`, count);
    return imageSet(name, pixels, Int32Array.from(labels, (label) => label - 1), classNames);
  };
  return { train: await part("train"), test: await part("test") };
}

/**
 * Reads the first so many of the 100,000 pictures without labels, to be trained on without them.
 * All of them take 2.8 GB.
 *
 * @throws {RangeError} If there are not as many.
 * @throws {Error} For the reasons of {@linkcode openStl10}.
 */
export async function openStl10Unlabelled(folder: string, count: number): Promise<ImageSet> {
  const set = await findSet(folder, download);
  const there = await countOf(set, "unlabeled_X.bin");
  if (!(Number.isInteger(count) && count >= 1 && count <= there)) {
    throw new RangeError(
      `Cannot read ${count} pictures without labels of ${set.name}: need 1 to ${there}`,
    );
  }
  const pixels = await readPixels(set, "unlabeled_X.bin", count);
  return imageSet("unlabelled", pixels, new Int32Array(count).fill(-1), []);
}

function imageSet(
  part: string,
  pixels: Uint8Array,
  labels: Int32Array,
  classNames: readonly string[],
): ImageSet {
  const ids = Array.from(labels, (_, i) => `${part}/${i}`);
  const size = { height: side, width: side };
  return checkImageSet({ name: `STL-10, ${part}`, ...size, pixels, labels, classNames, ids });
}

/** The number of pictures in a file. */
async function countOf(set: SetFolder, file: string): Promise<number> {
  const found = await stat(join(set.root, file));
  if (!found) throw wrongSet(set, `${file} is missing`);
  if (found.size % imageBytes === 0) return found.size / imageBytes;
  throw wrongSet(
    set,
    `${file} is cut short: its ${found.size} bytes are no multiple of ${imageBytes}`,
  );
}

/** `[count, 96, 96, 3]` */
async function readPixels(set: SetFolder, file: string, count: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(count * imageBytes);
  const planes = new Uint8Array(imageBytes);
  using opened = await Deno.open(join(set.root, file));
  for (let i = 0; i < count; i++) {
    for (let done = 0; done < imageBytes;) {
      const read = await opened.read(planes.subarray(done));
      if (read === null) throw wrongSet(set, `${file} has become shorter`);
      done += read;
    }
    fromPlanes(planes, pixels.subarray(i * imageBytes, (i + 1) * imageBytes));
  }
  return pixels;
}

/** From a plane for each colour, column by column, to pixels, row by row. */
function fromPlanes(planes: Uint8Array, out: Uint8Array): void {
  for (let channel = 0, at = 0; channel < 3; channel++) {
    for (let x = 0; x < side; x++) {
      for (let y = 0; y < side; y++) out[3 * (y * side + x) + channel] = planes[at++]!;
    }
  }
}
