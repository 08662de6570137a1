/**
 * PatchCamelyon (Veeling et al. 2018): pieces of lymph nodes at 96 pixels, with a tumour in their
 * middle or none, in pairs of HDF5 files.
 */
import { join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { findSet, type SetFolder, wrongSet } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const side = 96; // pixels
const imageBytes = 3 * side * side;
const classNames = ["no tumour", "tumour"] as const;
const partNames = { train: "train", val: "valid", test: "test" } as const;
const fileOf = (part: keyof typeof partNames, kind: "x" | "y") =>
  `camelyonpatch_level_2_split_${partNames[part]}_${kind}.h5`;

export interface PcamOptions {
  /**
   * Pictures for training, evenly spread over the 262,144, which take 7.2 GB of memory. By default
   * all.
   */
  readonly trainCount?: number;
}

/**
 * Reads the files, unpacked, part by part, as one file does not fit in every memory twice.
 *
 * @throws {RangeError} If the number of pictures for training is not a positive integer.
 * @throws {Error} If a file is missing, still packed, damaged or of another shape; the message
 *   names it.
 */
export async function openPcam(
  folder: string,
  { trainCount = Infinity }: PcamOptions = {},
): Promise<TransferParts> {
  if (trainCount !== Infinity && !(Number.isInteger(trainCount) && trainCount >= 1)) {
    throw new RangeError(
      `Cannot read ${trainCount} pictures of PatchCamelyon for training: need a positive integer`,
    );
  }
  const set = await findSet(folder, {
    name: "PatchCamelyon",
    archives: Object.keys(partNames).flatMap((part) =>
      (["x", "y"] as const).map((kind) => `${fileOf(part as keyof typeof partNames, kind)}.gz`)
    ),
    markers: [fileOf("train", "x")],
  });
  return {
    train: await readPart(set, "train", trainCount),
    val: await readPart(set, "val", Infinity),
    test: await readPart(set, "test", Infinity),
  };
}

async function readPart(
  set: SetFolder,
  part: keyof typeof partNames,
  wanted: number,
): Promise<ImageSet> {
  using labels = await openDataset(set, fileOf(part, "y"), "y", [1, 1, 1]);
  using images = await openDataset(set, fileOf(part, "x"), "x", [side, side, 3]);
  if (images.count !== labels.count) {
    throw wrongSet(
      set,
      `${fileOf(part, "x")} has ${images.count} pictures, ${fileOf(part, "y")} ${labels.count}`,
    );
  }
  const indices = evenIndices(images.count, wanted);
  const pixels = taken(images, indices, imageBytes);
  return checkImageSet({
    name: `${set.name}, ${part}`,
    height: side,
    width: side,
    pixels,
    labels: Int32Array.from(taken(labels, indices, 1)),
    classNames,
    ids: indices.map((index) => `${part}/${index}`),
  });
}

const block = 1024; // entries that are read at once: the file may pack many together

/** The entries at increasing indices, joined. @param length Bytes of an entry. */
function taken(data: Dataset, indices: readonly number[], length: number): Uint8Array {
  const out = new Uint8Array(indices.length * length);
  for (let from = 0, to = 0; from < indices.length; from = to) {
    const first = indices[from]!;
    while (to < indices.length && indices[to]! < first + block) to++;
    const bytes = data.read(first, indices[to - 1]! + 1);
    for (let i = from; i < to; i++) {
      const at = (indices[i]! - first) * length;
      out.set(bytes.subarray(at, at + length), i * length);
    }
  }
  return out;
}

/** An array of bytes in an HDF5 file. */
interface Dataset extends Disposable {
  /** Its first length. */
  readonly count: number;
  /** The bytes of the entries from `first` until before `end`. */
  read(first: number, end: number): Uint8Array;
}

const signature = "\x89HDF\r\n\x1a\n";

/** @param shape Of an entry. */
async function openDataset(
  set: SetFolder,
  name: string,
  dataset: string,
  shape: readonly number[],
): Promise<Dataset> {
  const path = join(set.root, name);
  if (!await exists(path)) throw wrongSet(set, `${name} is missing`);
  if (await beginningOf(path) !== signature) throw wrongSet(set, `${name} is no HDF5 file`);
  const { default: hdf5 } = await import("h5wasm/node");
  await hdf5.ready;
  const file = new hdf5.File(path, "r");
  const data = file.get(dataset);
  const found = data instanceof hdf5.Dataset ? data.shape?.slice(1) : undefined;
  if (!(data instanceof hdf5.Dataset) || found?.join() !== shape.join()) {
    file.close();
    throw wrongSet(set, `${name} has no array ${dataset} of [N, ${shape.join(", ")}]`);
  }
  return {
    count: data.shape![0]!,
    read(first, end) {
      const bytes = data.slice([[first, end]]);
      if (bytes instanceof Uint8Array) return bytes;
      throw wrongSet(set, `${name} is damaged between entries ${first} and ${end}`);
    },
    [Symbol.dispose]: () => void file.close(),
  };
}

/** The first eight bytes as text. */
async function beginningOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(8);
  await file.read(bytes);
  return String.fromCharCode(...bytes);
}
