/**
 * Checkpoints in several files, as Hugging Face's transformers saves large ones, and the folders
 * they lie in.
 */
import { dirname, join } from "@std/path";
import type { SavedArray } from "./saved_array.ts";
import type { WeightsContents } from "./weights_contents.ts";

/** What `save_pretrained` calls its weights; the first that a folder has is read. */
const inFolder = [
  "model.safetensors.index.json",
  "model.safetensors",
  "pytorch_model.bin.index.json",
  "pytorch_model.bin",
];

/** Where to read: a file of weights, or the list of several. */
export interface WeightsIndex {
  readonly path: string;
  /** Whether `path` lists other files. */
  readonly lists: boolean;
}

/**
 * The list of a checkpoint's files, if `path` is one or a folder; `undefined` for any other file.
 *
 * @throws {Error} If it is a folder without weights under the usual names.
 */
export function indexOf(path: string): WeightsIndex | undefined {
  const isList = (file: string) => file.endsWith(".index.json");
  if (!isFolder(path)) return isList(path) ? { path, lists: true } : undefined;
  const name = inFolder.find((name) => exists(join(path, name)));
  if (name) return { path: join(path, name), lists: isList(name) };
  throw new Error(
    `Cannot read weights from ${path}: it is a folder without ${
      inFolder.join(", ")
    }; name the file`,
  );
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // reading it says why
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Reads all files of a list.
 *
 * @throws {Error} If the list is none, names a file outside of its folder, or an array that is not
 *   there; if a file cannot be read.
 */
export async function readShards(
  { path, lists }: WeightsIndex,
  readOne: (path: string) => Promise<WeightsContents>,
): Promise<WeightsContents> {
  if (!lists) return await readOne(path);
  const fileOf = readList(path);
  const arrays = new Map<string, SavedArray>();
  const unreadable = new Map<string, string>();
  const leftOut = new Map<string, number>();
  for (const file of new Set(fileOf.values())) {
    const contents = await readOne(join(dirname(path), file));
    for (const [name, array] of contents.arrays) arrays.set(name, array);
    for (const [name, why] of contents.unreadable) unreadable.set(name, why);
    for (const [what, count] of contents.leftOut) {
      leftOut.set(what, (leftOut.get(what) ?? 0) + count);
    }
  }
  for (const [name, file] of fileOf) {
    if (arrays.has(name) || unreadable.has(name)) continue;
    throw new Error(
      `Cannot read weights from ${path}: it says that "${name}" is in ${file}, it is not`,
    );
  }
  return { arrays, unreadable, leftOut };
}

/** Name of each array → name of the file it is in. */
function readList(path: string): Map<string, string> {
  const refuse = (why: string) => new Error(`Cannot read weights from ${path}: ${why}`);
  let list: unknown;
  try {
    list = JSON.parse(Deno.readTextFileSync(path).replace(/^\uFEFF/, ""));
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const map = (list as { readonly weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null) throw refuse('it has no "weight_map"');
  for (const file of Object.values(map)) {
    if (typeof file !== "string" || /[/\\]|^\.\.?$/.test(file)) {
      throw refuse(`it lists the file ${JSON.stringify(file)}, which is not beside it`);
    }
  }
  return new Map(Object.entries(map as Record<string, string>));
}
