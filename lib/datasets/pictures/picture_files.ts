/** Reads a few pictures by their paths, to be looked at, not trained on. */
import { basename } from "@std/path";
import { readFile } from "node:fs/promises";
import { absolutePath } from "lib/paths.ts";
import { centerCrop } from "./center_crops.ts";
import { decodeOrReason } from "./damage_reason.ts";
import { decodePicture } from "./decode_picture.ts";
import { checkImageSet, type ImageSet } from "./images.ts";

/**
 * Reads pictures as networks are evaluated on them: the short side resized to 8/7 of `size`, the
 * centre kept.
 *
 * @param paths JPEG, PNG, WebP, TIFF, GIF, AVIF or BMP files; `~` is the home folder.
 * @param options.size Pixels a side: 224 for networks that were trained on that.
 * @returns Unlabelled, in the order of the paths; `ids` are the files' names.
 * @throws {RangeError} If there is no path, or the size is not an integer from 8 to 4096.
 * @throws {Error} If a file is not there or is no picture; the message names it.
 */
export async function loadPictures(
  paths: readonly string[],
  { size }: { readonly size: number },
): Promise<ImageSet> {
  if (paths.length === 0) throw new RangeError("Cannot load pictures: give the path of one");
  if (!(Number.isInteger(size) && size >= 8 && size <= 4096)) {
    throw new RangeError(`Cannot load pictures at ${size} pixels: need an integer from 8 to 4096`);
  }
  const pixels = new Uint8Array(paths.length * size * size * 3);
  for (const [i, path] of paths.entries()) {
    pixels.set(await readPicture(path, size), i * size * size * 3);
  }
  return checkImageSet({
    name: `${paths.length} pictures, ${size} px`,
    height: size,
    width: size,
    pixels,
    labels: new Int32Array(paths.length).fill(-1),
    classNames: [],
    ids: paths.map((path) => basename(path)),
  });
}

async function readPicture(path: string, size: number): Promise<Uint8Array> {
  const full = absolutePath(path);
  const bytes = await readFile(full).catch((error) => {
    throw new Error(`Cannot read the picture ${full}: ${error.code ?? error.message}`);
  });
  const picture = await decodeOrReason(bytes, (bytes) => decodePicture(bytes));
  if (typeof picture === "string") throw new Error(`Cannot read the picture ${full}: ${picture}`);
  return centerCrop(picture, size).data;
}
