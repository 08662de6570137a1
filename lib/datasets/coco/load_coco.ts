/** Reads a COCO annotation file (`instances_train2017.json`), as it streams by, and says what is wrong with it. */
import { basename, dirname, join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import {
  checkAnnotation,
  checkCategory,
  checkImage,
  type Known,
  readFields,
} from "lib/datasets/coco/check_elements.ts";
import type {
  CocoAnnotation,
  CocoCategory,
  CocoImage,
  CocoSet,
} from "lib/datasets/coco/coco_set.ts";
import { type JsonElement, visitJson } from "lib/datasets/coco/json_elements.ts";

const mostLogged = 20; // faults, one a line

export interface CocoOptions {
  /** The folder of the pictures. */
  readonly folder: string;
  /** Whether images and objects with a fault are left out, or stop the loading. Crowds and empty images are no faults. */
  readonly onFault?: "leave out" | "stop";
  /** Told about each fault, and what was left out. */
  readonly log?: (line: string) => void;
}

/** Something that cannot be used. */
export interface CocoFault {
  readonly file: string;
  readonly kind: "image" | "category" | "annotation";
  /** `undefined` if it has none. */
  readonly id: number | undefined;
  /** In words. */
  readonly reason: string;
}

export interface LoadedCoco {
  readonly set: CocoSet;
  /** What was left out, in the order of images, categories and annotations. */
  readonly faults: readonly CocoFault[];
}

/**
 * Loads annotations.
 *
 * A fault is: a field that is missing or cannot be, an id that comes twice, a picture that is not in the folder (its objects
 * go with it), an unknown image or category, an area below 0, a box without extent, a box or polygon more than a pixel
 * outside of its image, a polygon of less than three points, a mask of another size than its image or whose runs do not add
 * up.
 *
 * @param path The JSON file.
 * @throws {Error} If the file is cut short or no COCO file, whatever `onFault` says: which images lack objects is then
 *   unknown. If there is a fault and `onFault` is `"stop"`. If no picture is there.
 */
export async function loadCoco(path: string, options: CocoOptions): Promise<LoadedCoco> {
  const { folder, onFault = "leave out", log = console.warn } = options;
  const loading = new Loading(absolutePath(path));
  await loading.read();
  const images = await withPicture(loading.images(), absolutePath(folder), loading);
  const categories = loading.categories();
  const annotations = loading.annotations({ images, categories });
  const { faults } = loading;
  report(faults, onFault === "stop" ? () => {} : log);
  if (onFault === "stop" && faults.length > 0) {
    const others = faults.length > 1 ? `, and ${faults.length - 1} more` : "";
    throw new Error(`Cannot use ${inWords(faults[0]!)}${others}; mend them, or leave them out`);
  }
  const set = {
    name: basename(path, ".json"),
    folder: absolutePath(folder),
    images: inOrder(images),
    categories: inOrder(categories),
    annotations,
  };
  return { set, faults };
}

function report(faults: readonly CocoFault[], log: (line: string) => void): void {
  for (const fault of faults.slice(0, mostLogged)) log(`Left out ${inWords(fault)}`);
  const more = faults.length - mostLogged;
  if (more > 0) log(`… and ${more} more of ${faults[0]!.file}`);
}

function inWords({ file, kind, id, reason }: CocoFault): string {
  return `${kind} ${id ?? "without an id"} of ${file}: ${reason}`;
}

function inOrder<T extends { readonly id: number }>(byId: ReadonlyMap<number, T>): T[] {
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

const arrays = { images: "image", categories: "category", annotations: "annotation" } as const;
type ArrayName = keyof typeof arrays;

/** The elements of a file. They are checked once all are there, since the categories come last. */
class Loading {
  readonly file: string;
  readonly faults: CocoFault[] = [];
  readonly #raw = new Map<ArrayName, Readonly<Record<string, unknown>>[]>();

  constructor(file: string) {
    this.file = file;
  }

  async read(): Promise<void> {
    const keys = await visitJson(this.file, (element) => this.#take(element)).catch((error) => {
      const last = this.#raw.get("annotations")?.at(-1)?.["id"];
      throw last === undefined ? error : new Error(`${error.message}, after annotation ${last}`);
    });
    const missing = Object.keys(arrays).filter((name) => !keys.has(name));
    if (missing.length === 0) return;
    throw new Error(`Cannot use ${this.file}: it has no "${missing.join('", no "')}"`);
  }

  #take({ key, index, position, text }: JsonElement): void {
    if (!(key in arrays)) return;
    const name = key as ArrayName;
    const list = this.#raw.get(name) ?? [];
    this.#raw.set(name, list);
    try {
      list.push(readFields(text));
    } catch (error) {
      const id = Number(/"id"\s*:\s*(\d+)/.exec(text)?.[1] ?? NaN);
      this.#fault(name, id, `element ${index}, at byte ${position}: ${(error as Error).message}`);
    }
  }

  images(): Map<number, CocoImage> {
    return this.#checked("images", checkImage);
  }

  categories(): Map<number, CocoCategory> {
    return this.#checked("categories", checkCategory);
  }

  annotations(known: Known): Map<number, CocoAnnotation[]> {
    const byImage = new Map<number, CocoAnnotation[]>();
    const check = (fields: Readonly<Record<string, unknown>>) => checkAnnotation(fields, known);
    for (const annotation of this.#checked("annotations", check).values()) {
      const others = byImage.get(annotation.imageId);
      if (others) others.push(annotation);
      else byImage.set(annotation.imageId, [annotation]);
    }
    return byImage;
  }

  /** Removes an image, for a reason found outside of the file. */
  leaveOut(images: Map<number, CocoImage>, id: number, reason: string): void {
    images.delete(id);
    this.#fault("images", id, reason);
  }

  #checked<T extends { readonly id: number }>(
    name: ArrayName,
    check: (fields: Readonly<Record<string, unknown>>) => T,
  ): Map<number, T> {
    const byId = new Map<number, T>();
    for (const fields of this.#raw.get(name) ?? []) {
      try {
        const element = check(fields);
        if (byId.has(element.id)) throw new Error("another has this id");
        byId.set(element.id, element);
      } catch (error) {
        this.#fault(name, fields["id"], (error as Error).message);
      }
    }
    this.#raw.delete(name); // what was read is freed before the next is made
    return byId;
  }

  #fault(name: ArrayName, id: unknown, reason: string): void {
    this.faults.push({
      file: this.file,
      kind: arrays[name],
      id: Number.isSafeInteger(id) ? id as number : undefined,
      reason,
    });
  }
}

/** The images whose picture is in the folder. @throws {Error} If none is. */
async function withPicture(
  images: Map<number, CocoImage>,
  folder: string,
  loading: Loading,
): Promise<Map<number, CocoImage>> {
  const listings = new Map<string, Set<string>>();
  let first: string | undefined;
  for (const { id, fileName } of [...images.values()]) {
    const path = join(folder, fileName);
    const inside = dirname(path);
    const names = listings.get(inside) ?? await namesIn(inside); // one list for all, not a question each
    listings.set(inside, names);
    if (names.has(basename(path))) continue;
    first ??= path;
    loading.leaveOut(images, id, `there is no picture ${path}`);
  }
  if (images.size > 0 || first === undefined) return images;
  throw new Error(`Cannot use ${loading.file}: none of its pictures is there, first ${first}`);
}

async function namesIn(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory) names.add(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}
