/**
 * ImageNet's test sets of other pictures: -A, -R, -Sketch and -C, in the folders that their
 * archives unpack to.
 *
 * Each set has a folder for each class, named by its wnid; labels are the numbers of the classes
 * among ImageNet's 1,000.
 */
import { join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { stat } from "lib/datasets/files/data_folder.ts";
import { imageNetAClasses, imageNetRClasses, imageNetWnids } from "./imagenet_classes.ts";
import { labelled, namesIn, storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import { isPicture } from "lib/datasets/pictures/picture_names.ts";
import type { StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { stringAt } from "lib/datasets/pictures/string_table.ts";

/** The properties in which the sets differ. */
interface Variant {
  /** `ImageNet-A`, for messages. */
  readonly name: string;
  /** The name of the archive that is downloaded. */
  readonly archive: string;
  /** The folder that the archive unpacks to. */
  readonly inside: string;
  /** The classes that it has pictures of, by their numbers among the 1,000. */
  readonly classes: readonly number[];
}

const allClasses = imageNetWnids.map((_, index) => index);

/**
 * ImageNet-A (Hendrycks et al. 2021): 7,500 photographs of 200 classes that a ResNet-50 gets wrong.
 *
 * @param folder The folder `imagenet-a` that the archive unpacks to, or the one it lies in; `~` is
 *   the home folder.
 * @throws {Error} If it is not there, or has not its classes; the message names what is missing or
 *   too much.
 */
export function openImageNetA(folder: string): Promise<StoredImages> {
  const files = { archive: "imagenet-a.tar", inside: "imagenet-a" };
  return openVariant(folder, { name: "ImageNet-A", ...files, classes: imageNetAClasses });
}

/**
 * ImageNet-R (Hendrycks et al. 2021): 30,000 renditions, paintings to tattoos, of 200 classes.
 *
 * @param folder The folder `imagenet-r` that the archive unpacks to, or the one it lies in; `~` is
 *   the home folder.
 * @throws {Error} For the reasons of {@linkcode openImageNetA}.
 */
export function openImageNetR(folder: string): Promise<StoredImages> {
  const files = { archive: "imagenet-r.tar", inside: "imagenet-r" };
  return openVariant(folder, { name: "ImageNet-R", ...files, classes: imageNetRClasses });
}

/**
 * ImageNet-Sketch (Wang et al. 2019): 50,889 drawings in black and white of all 1,000 classes.
 *
 * @param folder The folder `sketch` that the archive unpacks to, or the one it lies in; `~` is the
 *   home folder.
 * @throws {Error} For the reasons of {@linkcode openImageNetA}.
 */
export function openImageNetSketch(folder: string): Promise<StoredImages> {
  const files = { archive: "ImageNet-Sketch.zip", inside: "sketch" };
  return openVariant(folder, { name: "ImageNet-Sketch", ...files, classes: allClasses });
}

/** The archives of ImageNet-C, and the corruptions in each. */
const corruptionArchives: Readonly<Record<string, readonly string[]>> = {
  noise: ["gaussian_noise", "shot_noise", "impulse_noise"],
  blur: ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"],
  weather: ["snow", "frost", "fog", "brightness"],
  digital: ["contrast", "elastic_transform", "pixelate", "jpeg_compression"],
  extra: ["speckle_noise", "gaussian_blur", "spatter", "saturate"],
};

/**
 * One corruption of ImageNet-C (Hendrycks & Dietterich 2019) at one severity: ImageNet's 50,000
 * validation pictures, corrupted and cut to 224 pixels already.
 *
 * @param folder Holds `snow/3/n01440764/…`, or the same below the archive's name,
 *   `weather/snow/3/…`; `~` is the home folder.
 * @param corruption The name of its folder: `gaussian_noise`.
 * @param severity 1 to 5.
 * @throws {RangeError} If there is no such corruption or severity.
 * @throws {Error} If its folder is not there, or has not the 1,000 classes; the message says which
 *   archive to unpack where.
 */
export async function openImageNetC(
  folder: string,
  corruption: string,
  severity: number,
): Promise<StoredImages> {
  const group = Object.keys(corruptionArchives)
    .find((name) => corruptionArchives[name]!.includes(corruption));
  if (group === undefined) {
    const known = Object.values(corruptionArchives).flat().join(", ");
    throw new RangeError(`Cannot open "${corruption}" of ImageNet-C: there are ${known}`);
  }
  if (![1, 2, 3, 4, 5].includes(severity)) {
    throw new RangeError(
      `Cannot open ${corruption}: severity is 1 to 5, current one is ${severity}`,
    );
  }
  const root = await existingFolder(folder, "ImageNet-C", `${group}.tar`);
  const name = `ImageNet-C, ${corruption} ${severity}`;
  for (const parts of [[corruption], [group, corruption]]) {
    const path = join(root, ...parts, String(severity));
    if ((await stat(path))?.isDirectory) {
      return inClasses(path, { name, archive: `${group}.tar`, classes: allClasses });
    }
  }
  throw new Error(
    `Cannot find ${name}: there is no folder ${join(root, corruption, String(severity))}; unpack ` +
      `${group}.tar in ${root}`,
  );
}

async function openVariant(folder: string, variant: Variant): Promise<StoredImages> {
  const root = await existingFolder(folder, variant.name, variant.archive);
  const inside = join(root, variant.inside);
  return inClasses((await stat(inside))?.isDirectory ? inside : root, variant);
}

async function existingFolder(folder: string, name: string, archive: string): Promise<string> {
  const root = absolutePath(folder);
  if ((await stat(root))?.isDirectory) return root;
  throw new Error(`Cannot find ${name}: there is no folder ${root}; unpack ${archive} there`);
}

const wnid = /^n\d{8}$/;
const numbers = new Map(imageNetWnids.map((name, index) => [name, index]));

/** The pictures of a folder of classes, which must be those of the set, neither more nor fewer. */
function inClasses(folder: string, variant: Omit<Variant, "inside">): StoredImages {
  const found = namesIn(folder).filter((name) => wnid.test(name));
  checkClasses(folder, found, variant);
  const ids = found.flatMap((name) => {
    const pictures = namesIn(join(folder, name)).filter(isPicture);
    if (pictures.length > 0) return pictures.map((file) => `${name}/${file}`);
    throw new Error(
      `Cannot use ${variant.name} in ${folder}: ${name} has no picture; unpack ${variant.archive} again`,
    );
  });
  const set = storedInFolder(variant.name, folder, ids);
  const labelOf = (index: number) => numbers.get(stringAt(set.ids, index).split("/", 1)[0]!)!;
  return labelled(set, imageNetWnids, labelOf);
}

function checkClasses(
  folder: string,
  found: readonly string[],
  { name, archive, classes }: Omit<Variant, "inside">,
): void {
  const fail = (what: string, mend: string): never => {
    throw new Error(`Cannot use ${name} in ${folder}: ${what}; ${mend}`);
  };
  const unknown = found.find((folderName) => !numbers.has(folderName));
  if (unknown !== undefined) {
    fail(`${unknown} is none of ImageNet's 1000 classes`, "remove that folder");
  }
  const wanted = new Set(classes.map((index) => imageNetWnids[index]!));
  const more = found.filter((folderName) => !wanted.has(folderName));
  if (more.length > 0) {
    fail(`${some(more)} not among its ${wanted.size} classes`, "is this another set's folder?");
  }
  const missing = [...wanted].filter((folderName) => !found.includes(folderName));
  if (missing.length > 0) {
    fail(
      `of its ${wanted.size} classes, ${some(missing)} missing`,
      `unpack ${archive} again`,
    );
  }
}

/** `n01440764 is`, or `n01440764 and 3 more are`. */
function some(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]} is` : `${names[0]} and ${names.length - 1} more are`;
}
