/**
 * Reads any set of pictures by lists of their paths and classes: `train.txt`, `test.csv` and the
 * like, beside the pictures.
 */
import { basename, join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { exists } from "lib/datasets/files/data_folder.ts";
import { type SetFolder, storedPart } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

/** A line of a list: the path of a picture below the list's folder, and its class as it is written. */
export interface ListedPath {
  readonly path: string;
  readonly label: string;
}

const endings = ["txt", "csv", "json"] as const;
const columns = { path: ["path", "file", "filename", "image"], label: ["label", "class"] } as const;

/**
 * Opens a folder with lists for `train`, `test` and, if there is one, `val`. Classes that are
 * written as numbers from 0 keep them, and are called by the lines of `classes.txt` if it is there;
 * others are numbered in the order of their names.
 *
 * @param folder `~` is the home folder; a relative path starts at the current one.
 * @throws {Error} If a list or a picture is missing, or a list is damaged; the message names it.
 */
export async function openPictureLists(folder: string): Promise<TransferParts> {
  const root = absolutePath(folder);
  const [train, val, test] = await Promise.all(
    ["train", "val", "test"].map((part) => findList(root, part)),
  );
  const missing = !train ? "train" : "test";
  if (!train || !test) {
    throw new Error(
      `Cannot find a list of pictures in ${root}: put ${missing}.txt, ${missing}.csv or ${missing}.json there`,
    );
  }
  const lists = { train, ...(val && { val }), test };
  const read = new Map<string, readonly ListedPath[]>();
  for (const [part, path] of Object.entries(lists)) read.set(part, await readPictureList(path));
  const { classNames, indexOf } = await classesOf(root, [...read.values()].flat());
  const set: SetFolder = {
    name: basename(root),
    root,
    archives: ["the pictures and their lists"],
    markers: [],
  };
  const part = (name: string) => {
    const listed = read.get(name)!.map(({ path, label }) => ({ id: path, label: indexOf(label) }));
    return storedPart(set, name, classNames, listed);
  };
  return { train: part("train"), ...(val && { val: part("val") }), test: part("test") };
}

async function findList(root: string, part: string): Promise<string | undefined> {
  for (const ending of endings) {
    const path = join(root, `${part}.${ending}`);
    if (await exists(path)) return path;
  }
}

async function classesOf(root: string, listed: readonly ListedPath[]) {
  const labels = [...new Set(listed.map(({ label }) => label))].sort();
  if (!labels.every((label) => /^\d+$/.test(label))) {
    const numbers = new Map(labels.map((label, i) => [label, i]));
    return { classNames: labels, indexOf: (label: string) => numbers.get(label)! };
  }
  const named = await Deno.readTextFile(join(root, "classes.txt")).catch(() => "");
  const count = labels.reduce((most, label) => Math.max(most, Number(label) + 1), 0);
  const classNames = named.trim() === ""
    ? Array.from({ length: count }, (_, i) => String(i))
    : named.trim().split("\n").map((line) => line.trim());
  return { classNames, indexOf: Number };
}

/**
 * Reads a list of pictures by the ending of its name.
 *
 * - `.txt`: a path and a class on each line, apart by a blank; paths may have blanks.
 * - `.csv`: columns with the names `path` (or `file`, `filename`, `image`) and `label` (or `class`).
 * - `.json`: an array of objects with such fields, or an object with an array of paths for each
 *   class.
 *
 * @throws {Error} If it is missing, empty or damaged; the message names the line or entry.
 */
export async function readPictureList(path: string): Promise<ListedPath[]> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new Error(`Cannot read ${path}: ${error.code ?? error.message}`);
  });
  const listed = path.endsWith(".csv")
    ? await fromCsv(path, text)
    : path.endsWith(".json")
    ? fromJson(path, text)
    : fromText(path, text);
  if (listed.length === 0) throw new Error(`Cannot use ${path}: it lists no picture`);
  return listed;
}

function fromText(path: string, text: string): ListedPath[] {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const match = /^(.+\S)\s+(\S+)$/.exec(line.trim());
    if (match) return [{ path: match[1]!, label: match[2]! }];
    throw new Error(`Cannot use line ${i + 1} of ${path}: need a path and a class: "${line}"`);
  });
}

async function fromCsv(path: string, text: string): Promise<ListedPath[]> {
  const { default: polars } = await import("nodejs-polars");
  const table = polars.readCSV(text, { inferSchemaLength: 0 }); // all columns as text
  return table.toRecords().map((row, i) => entryOf(row, `row ${i + 2} of ${path}`));
}

function fromJson(path: string, text: string): ListedPath[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot use ${path}: it is damaged (${(error as Error).message})`);
  }
  if (Array.isArray(value)) {
    return value.map((entry, i) => entryOf(entry ?? {}, `entry ${i} of ${path}`));
  }
  return Object.entries(value ?? {}).flatMap(([label, paths]) => {
    if (!Array.isArray(paths)) {
      throw new Error(`Cannot use ${path}: "${label}" has no array of paths`);
    }
    return paths.map((picture) => entryOf({ path: picture, label }, `"${label}" of ${path}`));
  });
}

/** @param where Names the entry, for the message. */
function entryOf(fields: Readonly<Record<string, unknown>>, where: string): ListedPath {
  const value = (names: readonly string[]) => {
    const name = names.find((name) => fields[name] !== undefined && fields[name] !== null);
    const found = name === undefined ? undefined : fields[name];
    if (typeof found === "string" || typeof found === "number") return String(found).trim();
    throw new Error(`Cannot use ${where}: it has no ${names.join(", ")}`);
  };
  return { path: value(columns.path), label: value(columns.label) };
}
