/** Faces by their expression (Goodfellow et al. 2013): FER2013, a table with a picture in each row. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { greySet } from "./grey_images.ts";
import { findSet, type SetFolder, wrongSet } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const side = 48; // pixels
const classNames = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"] as const;
/** What the table calls each part. */
const parts = { Training: "train", PublicTest: "val", PrivateTest: "test" } as const;
type PartName = (typeof parts)[keyof typeof parts];

/** `fer2013.csv`, or the same table with its columns in another order. */
const files = ["fer2013.csv", "icml_face_data.csv"] as const;

/**
 * Reads the table, row by row.
 *
 * @throws {Error} If it is missing, or a row is damaged; the message names the row.
 */
export async function openFer2013(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "FER2013",
    archives: ["fer2013.tar.gz"],
    markers: files,
  });
  const file = await exists(join(set.root, files[0])) ? files[0] : files[1];
  const found = await readTable(set, file);
  const part = (name: PartName) => {
    const { grey, labels } = found[name];
    if (labels.length === 0) throw wrongSet(set, `${file} has no row for ${name}`);
    const joined = new Uint8Array(labels.length * side * side);
    grey.forEach((image, i) => joined.set(image, i * side * side));
    return greySet(set.name, name, { side, grey: joined, labels, classNames });
  };
  return { train: part("train"), val: part("val"), test: part("test") };
}

interface Rows {
  readonly grey: Uint8Array[];
  readonly labels: number[];
}

async function readTable(set: SetFolder, file: string): Promise<Record<PartName, Rows>> {
  const empty = (): Rows => ({ grey: [], labels: [] });
  const found = { train: empty(), val: empty(), test: empty() };
  let columns: string[] | undefined;
  let row = 0;
  for await (const line of createInterface(createReadStream(join(set.root, file)))) {
    row++;
    const fields = line.split(",").map((field) => field.trim());
    if (columns === undefined) {
      columns = fields;
      continue;
    }
    const field = (name: string) => fields[columns!.indexOf(name)] ?? "";
    const part = parts[field("Usage") as keyof typeof parts];
    const image = pixelsOf(field("pixels"));
    const label = Number(field("emotion") || NaN);
    if (!part || !image || classNames[label] === undefined) {
      throw wrongSet(set, `row ${row} of ${file} is damaged`);
    }
    found[part].grey.push(image);
    found[part].labels.push(label);
  }
  return found;
}

/** The pixels of a row; `undefined` if they are not as many as they should be. */
function pixelsOf(text: string): Uint8Array | undefined {
  const numbers = text.split(" ").map((number) => number === "" ? NaN : Number(number));
  if (numbers.length !== side * side) return undefined;
  return numbers.every((value) => value >= 0 && value <= 255)
    ? Uint8Array.from(numbers)
    : undefined;
}
