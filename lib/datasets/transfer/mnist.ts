/** Handwritten digits (LeCun et al. 1998): MNIST, in IDX files. */
import { gunzipSync } from "node:zlib";
import { join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { isFashionMnist } from "lib/datasets/small_sets/fashion_mnist_files.ts";
import { type IdxArray, parseIdx } from "lib/datasets/small_sets/idx.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { greySet } from "./grey_images.ts";
import { findSet, readSetFile, type SetFolder, wrongSet } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

/** The names that a file has: as published, unpacked, and as some programs unpack it. */
const namesOf = (file: string) => [file, `${file}.gz`, file.replace("-idx", ".idx")];

/**
 * Reads the four files, gzipped or not.
 *
 * @throws {Error} If a file is missing, damaged or of another shape; the message names it.
 */
export async function openMnist(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "MNIST",
    archives: ["train", "t10k"].flatMap((part) =>
      ["images-idx3", "labels-idx1"].map((kind) => `${part}-${kind}-ubyte.gz`)
    ),
    markers: namesOf("train-images-idx3-ubyte"),
  });
  return {
    train: await readPart(set, "train", "train"),
    test: await readPart(set, "test", "t10k"),
  };
}

async function readPart(set: SetFolder, part: string, prefix: string): Promise<ImageSet> {
  const images = await readIdx(set, `${prefix}-images-idx3-ubyte`);
  const labels = await readIdx(set, `${prefix}-labels-idx1-ubyte`);
  const [count] = labels.shape;
  if (images.shape.join() !== [count, 28, 28].join()) {
    throw wrongSet(
      set,
      `the images for ${part} are [${images.shape}], need [${count}, 28, 28] for its labels`,
    );
  }
  return greySet(set.name, part, {
    side: 28,
    grey: images.data,
    labels: labels.data,
    classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
  });
}

async function readIdx(set: SetFolder, file: string): Promise<IdxArray> {
  for (const name of namesOf(file)) {
    if (!await exists(join(set.root, name))) continue;
    const bytes = await unpacked(set, name);
    if (await isFashionMnist(bytes)) throw wrongSet(set, `${name} is Fashion-MNIST's`);
    try {
      return parseIdx(bytes, name);
    } catch (error) {
      throw damaged(set, name, error);
    }
  }
  throw wrongSet(set, `${file} is missing`);
}

async function unpacked(set: SetFolder, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readSetFile(set, name);
  if (!name.endsWith(".gz")) return bytes;
  try {
    return new Uint8Array(gunzipSync(bytes));
  } catch (error) {
    throw damaged(set, name, error);
  }
}

function damaged(set: SetFolder, name: string, error: unknown): Error {
  return wrongSet(set, `${name} is damaged (${(error as Error).message})`);
}
