/**
 * Reads a COCO annotation file (`instances_train2017.json`) as a stream, and reports its faults.
 */
import { basename } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import {
  checkAnnotation,
  checkCategory,
  checkImage,
  type DraftAnnotation,
  type DraftImage,
  type Fields,
  type Known,
  readFields,
} from "./check_elements.ts";
import type { CocoAnnotation, CocoCategory, CocoImage, CocoSet } from "./coco_set.ts";
import { type JsonElement, visitJson } from "./json_elements.ts";
import { placePictures } from "./picture_places.ts";

const mostLogged = 20; // largest number of logged lines about faults

export interface CocoOptions {
  /** The folder of the pictures. */
  readonly folder: string;
  /**
   * Whether images and objects with a fault are left out, or stop the loading.
   */
  readonly onFault?: "leave out" | "stop";
  /**
   * Receives a line for each kind of unusual field that was read, and for each reason to leave
   * something out.
   */
  readonly log?: (line: string) => void;
}

/** An element of the file that cannot be used. */
export interface CocoFault {
  readonly file: string;
  readonly kind: "image" | "category" | "annotation";
  /** `undefined` if the element has none. */
  readonly id: number | undefined;
  /** The reason, for a message. */
  readonly reason: string;
}

export interface LoadedCoco {
  readonly set: CocoSet;
  /** The elements that were left out: images, then categories, then annotations. */
  readonly faults: readonly CocoFault[];
  /** How often each kind of unusual field was read: `boxes clipped to their image` → 12. */
  readonly mended: ReadonlyMap<string, number>;
}

/**
 * Loads an annotation file.
 *
 * Some other tools write fields in an unusual but clear way. These are read, and most are counted
 * as mended: ids as texts; `iscrowd` as a boolean or missing; a missing `area`, box, mask, id of an
 * annotation, or width and height; boxes that reach out of their image; polygons of fewer than
 * three points beside others; the same element twice; file names with `\\` or with folders of
 * another computer.
 *
 * Faults are: a field that is missing or invalid; an id that several images or categories share
 * (all of them are left out); an image whose picture is not in the folder (its objects are left out
 * too); an unknown image or category; an area below 0; a box without extent, or wholly outside of
 * its image; a polygon far outside; a mask of another size than its image, or whose runs do not add
 * up.
 *
 * @param path The JSON file.
 * @throws {Error} If the file is cut short or not a COCO file, for any `onFault`: it is then
 * unknown
 *   which images lack objects. If there is a fault and `onFault` is `"stop"`. If none of the
 *   images, or none of the objects, can be used.
 */
export async function loadCoco(path: string, options: CocoOptions): Promise<LoadedCoco> {
  const { folder, onFault = "leave out", log = console.warn } = options;
  const loading = new Loading(absolutePath(path));
  await loading.read();
  const images = await loading.images(absolutePath(folder));
  const categories = loading.categories();
  const annotations = loading.annotations({ images, categories });
  const { faults, mended } = loading;
  if (onFault === "stop" && faults.length > 0) {
    const others = faults.length > 1 ? `, and ${faults.length - 1} more` : "";
    throw new Error(`Cannot use ${inWords(faults[0]!)}${others}; mend them, or leave them out`);
  }
  report(loading.file, mended, faults, log);
  const set = {
    name: basename(path, ".json"),
    folder: absolutePath(folder),
    images: inOrder(images),
    categories: inOrder(categories),
    annotations,
  };
  return { set, faults, mended };
}

function report(
  file: string,
  mended: ReadonlyMap<string, number>,
  faults: readonly CocoFault[],
  log: (line: string) => void,
): void {
  for (const [what, count] of mended) log(`Read ${file} with ${count} ${what}`);
  const groups = [...Map.groupBy(faults, ({ kind, reason }) => `${kind} ${reason}`).values()];
  for (const [first, ...others] of groups.slice(0, mostLogged)) {
    const more = others.length > 0 ? `, and ${others.length} more for the same reason` : "";
    log(`Left out ${inWords(first!)}${more}`);
  }
  const more = groups.slice(mostLogged).reduce((sum, group) => sum + group.length, 0);
  if (more > 0) log(`… and ${more} more of ${file}`);
}

function inWords({ file, kind, id, reason }: CocoFault): string {
  return `${kind} ${id ?? "without an id"} of ${file}: ${reason}`;
}

function inOrder<T extends { readonly id: number }>(byId: ReadonlyMap<number, T>): T[] {
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

const arrays = { images: "image", categories: "category", annotations: "annotation" } as const;
type ArrayName = keyof typeof arrays;

function describeImage({ fileName, sides }: DraftImage): string {
  return sides ? `${fileName}, ${sides.width} × ${sides.height}` : fileName;
}

/** Collects the elements of a file, then checks them: the categories come last in the file. */
class Loading {
  readonly file: string;
  readonly faults: CocoFault[] = [];
  readonly mended = new Map<string, number>();
  readonly #raw = new Map<ArrayName, Fields[]>();

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

  /** @throws {Error} If there are images, but none can be used. */
  async images(folder: string): Promise<Map<number, CocoImage>> {
    const drafts = this.#byId<DraftImage>("images", checkImage, describeImage);
    const images = new Map<number, CocoImage>();
    let first: string | undefined;
    for (const image of await placePictures([...drafts.values()], folder, this.#mend)) {
      if (!("reason" in image)) images.set(image.id, image);
      else {
        first ??= image.reason;
        this.#fault("images", image.id, image.reason);
      }
    }
    if (images.size > 0 || first === undefined) return images;
    throw new Error(
      `Cannot use ${this.file}: none of its images can be used, the first because ${first}`,
    );
  }

  categories(): Map<number, CocoCategory> {
    return this.#byId<CocoCategory>("categories", checkCategory, ({ name }) => name);
  }

  /** @throws {Error} If there are annotations, but none can be used. */
  annotations(known: Known): Map<number, CocoAnnotation[]> {
    const raw = this.#raw.get("annotations") ?? [];
    const before = this.faults.length;
    const byImage = new Map<number, CocoAnnotation[]>();
    for (const annotation of this.#withIds(raw, known)) {
      const others = byImage.get(annotation.imageId);
      if (others) others.push(annotation);
      else byImage.set(annotation.imageId, [annotation]);
    }
    const fault = this.faults[before];
    if (byImage.size > 0 || !fault) return byImage;
    throw new Error(
      `Cannot use ${this.file}: none of its ${raw.length} objects can be used, ` +
        `the first because ${fault.reason}`,
    );
  }

  /**
   * Checks the annotations and gives each a unique id. No other element refers to that id: an
   * annotation without one, or with one already in use, gets the next free number.
   */
  #withIds(raw: readonly Fields[], known: Known): CocoAnnotation[] {
    const firstOf = new Map<number, Fields>();
    const drafts: DraftAnnotation[] = [];
    for (const fields of raw) {
      try {
        const draft = checkAnnotation(fields, known, this.#mend);
        const first = draft.id === undefined ? undefined : firstOf.get(draft.id);
        if (draft.id !== undefined && !first) firstOf.set(draft.id, fields);
        if (first && JSON.stringify(first) === JSON.stringify(fields)) {
          this.#mend("annotations listed twice");
        } else drafts.push(first ? { ...draft, id: undefined } : draft);
      } catch (error) {
        this.#fault("annotations", fields["id"], (error as Error).message);
      }
    }
    let next = 0;
    for (const id of firstOf.keys()) next = Math.max(next, id);
    return drafts.map((draft) => {
      if (draft.id === undefined) {
        this.#mend("annotations whose id was missing or already in use, with a new one");
      }
      return { ...draft, id: draft.id ?? ++next };
    });
  }

  #mend = (what: string): void => {
    this.mended.set(what, (this.mended.get(what) ?? 0) + 1);
  };

  /**
   * Checks images or categories. If several share an id, all of them are faults: an annotation with
   * that id could mean any of them.
   */
  #byId<T extends { readonly id: number }>(
    name: "images" | "categories",
    check: (fields: Fields) => T,
    nameOf: (element: T) => string,
  ): Map<number, T> {
    const byId = new Map<number, T>();
    const names = new Map<number, Set<string>>();
    for (const fields of this.#raw.get(name) ?? []) {
      try {
        const element = check(fields);
        const all = names.get(element.id) ?? new Set();
        names.set(element.id, all);
        if (all.has(nameOf(element))) this.#mend(`${name} listed twice`);
        all.add(nameOf(element));
        if (!byId.has(element.id)) byId.set(element.id, element);
      } catch (error) {
        this.#fault(name, fields["id"], (error as Error).message);
      }
    }
    for (const [id, { size }] of names) if (size > 1) byId.delete(id);
    for (const [id, all] of names) {
      if (all.size > 1) this.#fault(name, id, `several have this id: "${[...all].join('", "')}"`);
    }
    this.#raw.delete(name); // frees the parsed elements before the next list is checked
    return byId;
  }

  #fault(name: ArrayName, id: unknown, reason: string): void {
    const number = typeof id === "string" && id !== "" ? Number(id) : id;
    this.faults.push({
      file: this.file,
      kind: arrays[name],
      id: Number.isSafeInteger(number) ? number as number : undefined,
      reason,
    });
  }
}
