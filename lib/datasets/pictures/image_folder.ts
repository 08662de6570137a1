/** Any folder of pictures: one folder a class, as ImageNet's, or all in one place, without labels. */
import { join, resolve } from "@std/path";
import { homedir } from "node:os";
import sharp from "sharp";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { stat } from "lib/datasets/files/data_folder.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";

const picture = /\.(jpe?g|png|webp)$/i;
const grey = { r: 128, g: 128, b: 128 } as const; // under transparent pixels: neither black nor white is neutral
const concurrency = 8; // pictures in flight; libvips has threads of its own

export interface ImageFolderOptions {
  /** Pixels a side: the short side is resized to it, and the centre kept. */
  readonly size: number;
  /** Share of the pictures that may be damaged before it stops. */
  readonly maxBadFraction?: number;
  /** Told about each damaged file. */
  readonly log?: (line: string) => void;
}

/** What a folder holds. */
export interface ImageFolder {
  readonly images: ImageSet;
  /** Files that could not be read, with the reason. */
  readonly bad: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Reads the JPEG, PNG and WebP pictures of a folder, in the order of their names: greyscale, CMYK, 16 bits a channel,
 * rotated by EXIF, transparent (laid on grey) and all.
 *
 * Subfolders are classes, in the order of their names; a folder without subfolders gives unlabelled images. Other files
 * are passed over. A damaged picture is named, skipped and counted.
 *
 * @param folder `~` is the home folder.
 * @throws {RangeError} If an option is out of range.
 * @throws {Error} If there is no folder or no picture, or too many pictures are damaged; the message says what to do.
 */
export async function loadImageFolder(
  folder: string,
  { size, maxBadFraction = 0.01, log = console.warn }: ImageFolderOptions,
): Promise<ImageFolder> {
  if (!(Number.isInteger(size) && size >= 8 && size <= 4096)) {
    throw new RangeError(`Cannot load images at ${size} pixels: need an integer from 8 to 4096`);
  }
  if (!(maxBadFraction >= 0 && maxBadFraction <= 1)) {
    throw new RangeError(`Cannot allow a share of ${maxBadFraction} damaged files: need 0 to 1`);
  }
  const path = resolve(folder.replace(/^~(?=$|\/)/, homedir()));
  const { classNames, files } = await listPictures(path);
  const results = await mapInOrder(files, concurrency, ({ path }) => decode(path, size));
  const bad = results.flatMap((result, i) =>
    typeof result === "string" ? [{ path: files[i]!.path, reason: result }] : []
  );
  for (const { path, reason } of bad) log(`Skipped ${path}: ${reason}`);
  if (bad.length > maxBadFraction * files.length) {
    throw new Error(
      `Cannot use ${path}: ${bad.length} of ${files.length} pictures are damaged, first ${
        bad[0]!.path
      } (${bad[0]!.reason}); mend or remove them, or raise maxBadFraction`,
    );
  }
  const good = files.filter((_, i) => typeof results[i] !== "string");
  const pixels = new Uint8Array(good.length * size * size * 3);
  results.filter((result) => typeof result !== "string")
    .forEach((image, i) => pixels.set(image as Uint8Array, i * size * size * 3));
  const images = checkImageSet({
    name: `${path}, ${size} px`,
    height: size,
    width: size,
    pixels,
    labels: Int32Array.from(good, ({ label }) => label),
    classNames,
    ids: good.map(({ path: file }) => file.slice(path.length + 1)),
  });
  return { images, bad };
}

interface PictureFile {
  readonly path: string;
  readonly label: number;
}

async function listPictures(
  folder: string,
): Promise<{ classNames: readonly string[]; files: readonly PictureFile[] }> {
  const info = await stat(folder);
  if (info === undefined) throw new Error(`Cannot find the folder ${folder}: check its name`);
  if (!info.isDirectory) {
    throw new Error(`Cannot use ${folder}: it is a file; give the folder that holds the images`);
  }
  const entries = (await Array.fromAsync(Deno.readDir(folder))).filter(({ name }) =>
    !name.startsWith(".")
  ).sort(byName);
  const classNames = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  const files = classNames.length === 0 ? pictures(folder, entries, -1) : (await Promise.all(
    classNames.map(async (name, label) => {
      const inside = await Array.fromAsync(Deno.readDir(join(folder, name)));
      return pictures(join(folder, name), inside.sort(byName), label);
    }),
  )).flat();
  if (files.length > 0) return { classNames, files };
  const found = entries.length === 0
    ? "it is empty"
    : `none of what it holds (${entries[0]!.name}, …) is a JPEG, PNG or WebP`;
  throw new Error(
    `Cannot find pictures in ${folder}: ${found}; put them there, or in one subfolder for each class`,
  );
}

function pictures(folder: string, entries: readonly Deno.DirEntry[], label: number): PictureFile[] {
  return entries.filter(({ name, isDirectory }) => !isDirectory && picture.test(name))
    .map(({ name }) => ({ path: join(folder, name), label }));
}

function byName(a: Deno.DirEntry, b: Deno.DirEntry): number {
  return a.name < b.name ? -1 : 1; // by code unit: the same on every machine
}

/** `[size, size, 3]`, or why the file cannot be read. */
async function decode(path: string, size: number): Promise<Uint8Array | string> {
  try {
    const bytes = await Deno.readFile(path);
    const { data, info } = await sharp(bytes, { failOn: "truncated" })
      .autoOrient()
      .resize(size, size, { fit: "cover", kernel: "cubic" }) // JPEGs shrink as they are decoded
      .flatten({ background: grey })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return new Uint8Array(data);
    return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
      return data[Math.floor(i / 3) * info.channels]!; // greyscale
    });
  } catch (error) {
    return (error as Error).message.split("\n")[0]!.trim();
  }
}
