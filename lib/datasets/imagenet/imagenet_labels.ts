/**
 * The classes of ImageNet's validation pictures, which lie in one folder or archive and carry them in a text beside it.
 *
 * A wnid is a class by its WordNet number: `n01440764`, a tench.
 */
import { basename, join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { type MatRecord, parseMat } from "lib/datasets/files/mat.ts";
import { unpackArchive } from "lib/datasets/files/unpack_archive.ts";

/** The wnid of a validation picture by its file's name, `ILSVRC2012_val_00000001.JPEG`. */
export type WnidOf = (name: string) => string;

const devkit = "ILSVRC2012_devkit_t12";
/** Texts that name each picture with its class: Kaggle's, and those that scripts for sorting the folder bring. */
const lists = ["LOC_val_solution.csv", "val_map.txt", "val.txt", "val_annotations.txt"] as const;

/** What may hold the validation pictures' classes, for messages. */
export const valLabelsHelp = `put ${devkit}.tar.gz there (unpacked or not), Kaggle's ${
  lists[0]
}, or a ${lists[1]} with a line "ILSVRC2012_val_00000001.JPEG n01751748" for each picture`;

/**
 * Reads the classes of the validation pictures from what is in a folder.
 *
 * @returns `undefined` if nothing there holds them.
 * @throws {Error} If a file cannot be read as what its name says; the message says why.
 */
export async function readValLabels(
  folder: string,
  wnids: readonly string[],
): Promise<{ wnidOf: WnidOf; path: string } | undefined> {
  for (const name of lists) {
    const path = join(folder, name);
    if (await exists(path)) {
      return { wnidOf: parseList(await Deno.readTextFile(path), path, wnids), path };
    }
  }
  for (const path of [join(folder, devkit), join(folder, `${devkit}.tar.gz`)]) {
    if (await exists(path)) return { wnidOf: await readDevkit(path), path };
  }
}

/** A line for each picture: its name, with or without an extension, then its wnid or the number of its class. */
function parseList(text: string, path: string, wnids: readonly string[]): WnidOf {
  const byName = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name, value] = line.split(/[\s,]+/);
    if (!name || !value || name === "ImageId") continue;
    const wnid = /^\d+$/.test(value) ? wnids[Number(value)] : value;
    if (!wnid || !/^n\d{8}$/.test(wnid)) {
      throw new Error(`Cannot use ${path}: "${line.trim()}" names no class; ${valLabelsHelp}`);
    }
    byName.set(stem(name), wnid);
  }
  return (name) => {
    const wnid = byName.get(stem(name));
    if (wnid !== undefined) return wnid;
    throw new Error(`Cannot find the class of ${name}: ${path} does not name it; ${valLabelsHelp}`);
  };
}

function stem(name: string): string {
  return basename(name).replace(/\.\w+$/, "");
}

/** Line i of the ground truth is the number of picture i's synset, as `meta.mat` numbers them. */
async function readDevkit(path: string): Promise<WnidOf> {
  const read = path.endsWith(".gz")
    ? await unpack(path)
    : (name: string) => Deno.readFileSync(join(path, "data", name));
  const truth = new TextDecoder().decode(read("ILSVRC2012_validation_ground_truth.txt")).trim()
    .split(/\s+/).map(Number);
  const synsets = parseMat(read("meta.mat"), join(path, "meta.mat"))
    .synsets as readonly MatRecord[];
  const wnids = new Map(synsets.map((synset) => [
    (synset.ILSVRC2012_ID as readonly number[])[0]!,
    synset.WNID as string,
  ]));
  return (name) => {
    const wnid = wnids.get(truth[Number(/(\d+)\.\w+$/.exec(name)?.[1]) - 1]!);
    if (wnid !== undefined) return wnid;
    throw new Error(`Cannot find the class of ${name}: ${path} has ${truth.length} pictures`);
  };
}

/** @returns The files of an archive by name; this one has three megabytes. */
async function unpack(path: string): Promise<(name: string) => Uint8Array> {
  const files = await unpackArchive(path);
  return (name) => {
    const found = files.get(name);
    if (found !== undefined) return found;
    throw new Error(`Cannot use ${path}: ${name} is not in it; download it again`);
  };
}
