/**
 * The classes of ImageNet's validation pictures, where those lie in one folder or archive and a
 * text beside it names their classes.
 */
import { basename, join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { type MatRecord, parseMat } from "lib/datasets/files/mat.ts";
import { unpackArchive } from "lib/datasets/files/unpack_archive.ts";
import { isWnid } from "./imagenet_names.ts";

/** The wnid of a validation picture by its file's name, `ILSVRC2012_val_00000001.JPEG`. */
export type WnidOf = (name: string) => string;

const devkit = "ILSVRC2012_devkit_t12";
/**
 * Texts that name each picture with its class: Kaggle's, and those that scripts for sorting the
 * folder bring.
 */
const lists = ["LOC_val_solution.csv", "val_map.txt", "val.txt", "val_annotations.txt"] as const;
/** A text with the wnid of picture i on line i, as TensorFlow's scripts bring it. */
const inOrder = "imagenet_2012_validation_synset_labels.txt";
const devkits = [devkit, `${devkit}/${devkit}`, `${devkit}.tar.gz`, "devkit"] as const;

/** What may hold the validation pictures' classes, for messages. */
export const valLabelsHelp = `put ${devkit}.tar.gz there (unpacked or not), Kaggle's ${
  lists[0]
}, or a ${lists[1]} with a line "ILSVRC2012_val_00000001.JPEG n01751748" for each picture`;

/**
 * Reads the classes of the validation pictures from what is in one of some folders, or for Kaggle's
 * layout in those above them.
 *
 * @returns `undefined` if nothing there holds them.
 * @throws {Error} If a file cannot be read as what its name says; the message says why.
 */
export async function readValLabels(
  folders: readonly string[],
  wnids: readonly string[],
): Promise<{ wnidOf: WnidOf; path: string } | undefined> {
  for (const folder of new Set(folders.flatMap(withThoseAbove))) {
    for (const name of lists) {
      const path = join(folder, name);
      if (await exists(path)) {
        return { wnidOf: parseList(await Deno.readTextFile(path), path, wnids), path };
      }
    }
    const path = join(folder, inOrder);
    if (await exists(path)) {
      return { wnidOf: parseOrdered(await Deno.readTextFile(path), path), path };
    }
    for (const path of devkits.map((name) => join(folder, name))) {
      if (await isDevkit(path)) return { wnidOf: await readDevkit(path), path };
    }
  }
}

/**
 * A folder, the one it lies in, and in Kaggle's `ILSVRC/Data/CLS-LOC/val` all up to the one that
 * holds `ILSVRC`.
 */
function withThoseAbove(folder: string): string[] {
  const inKaggle = /^(.*?)\/ILSVRC(\/Data(\/CLS-LOC(\/\w+)?)?)?$/.exec(folder)?.[1];
  return [folder, ...(inKaggle ? [inKaggle] : [])];
}

async function isDevkit(path: string): Promise<boolean> {
  return await exists(path.endsWith(".gz") ? path : join(path, "data", "meta.mat"));
}

/**
 * A line for each picture: its name, with or without an extension, then its wnid or the number of
 * its class.
 */
function parseList(text: string, path: string, wnids: readonly string[]): WnidOf {
  const byName = new Map<string, string>();
  for (const line of text.replace(/^\ufeff/, "").split("\n")) {
    const [name, value] = line.replaceAll('"', "").trim().split(/[\s,]+/);
    if (!name || !value || name === "ImageId") continue;
    const wnid = /^\d+$/.test(value) ? wnids[Number(value)] : value;
    if (!wnid || !isWnid(wnid)) {
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

/** Line i is the wnid of picture i. */
function parseOrdered(text: string, path: string): WnidOf {
  const wnids = text.trim().split(/\s+/);
  return (name) => {
    const wnid = wnids[numberOf(name) - 1];
    if (wnid !== undefined && isWnid(wnid)) return wnid;
    throw new Error(`Cannot find the class of ${name}: ${path} has ${wnids.length} lines`);
  };
}

/** `ILSVRC2012_val_00000293.JPEG` → 293. */
function numberOf(name: string): number {
  return Number(/(\d+)\.\w+$/.exec(name)?.[1]);
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
    const wnid = wnids.get(truth[numberOf(name) - 1]!);
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
