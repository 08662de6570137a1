/**
 * Finds the pictures of a COCO set, also under names that another system wrote, and reads the sides
 * that the annotation file leaves out.
 */
import { basename, dirname, join } from "@std/path";
import type { DraftImage, Mend } from "./check_elements.ts";
import type { CocoImage } from "./coco_set.ts";
import { orientationOf } from "./exif_turn.ts";
import { pictureSize } from "lib/datasets/pictures/decode_picture.ts";

/** An image whose picture is in the folder; or the reason why it cannot be used. */
export type Placed = CocoImage | { readonly id: number; readonly reason: string };

/**
 * Finds the picture of each image in `folder`.
 *
 * A file name is tried as it is, then with `/` for Windows' `\`. Last it is tried without its
 * folders, which may be those of another computer, if no other image has the same last part.
 */
export async function placePictures(
  images: readonly DraftImage[],
  folder: string,
  mend: Mend,
): Promise<Placed[]> {
  const listings = new Map<string, ReadonlySet<string>>();
  const isThere = async (name: string) => {
    const inside = dirname(join(folder, name));
    const names = listings.get(inside) ?? await namesIn(inside); // each folder is listed once
    listings.set(inside, names);
    return names.has(basename(name));
  };
  const sharing = Map.groupBy(images, ({ fileName }) => lastPart(fileName));
  const results: Placed[] = [];
  for (const image of images) {
    const { id, fileName } = image;
    const alone = sharing.get(lastPart(fileName))!.length === 1 ? [lastPart(fileName)] : [];
    const names = [fileName, fileName.replaceAll("\\", "/"), ...alone];
    let place: string | undefined;
    for (const name of names) if (place === undefined && await isThere(name)) place = name;
    if (place === undefined) {
      results.push({ id, reason: `there is no picture ${join(folder, fileName)}` });
      continue;
    }
    if (place !== fileName) {
      mend("pictures found under the last part of their name, or with / for \\");
    }
    results.push(await withSides({ ...image, fileName: place }, folder, mend));
  }
  return results;
}

function lastPart(fileName: string): string {
  return fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
}

async function namesIn(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory) names.add(name);
    }
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof NotADirectory)) throw error;
  }
  return names;
}

/** Adds the sides of the picture to an image that has none in the annotation file. */
async function withSides(
  { id, fileName, sides }: DraftImage,
  folder: string,
  mend: Mend,
): Promise<Placed> {
  if (sides) return { id, fileName, ...sides };
  const path = join(folder, fileName);
  try {
    const bytes = await Deno.readFile(path);
    if (await orientationOf(bytes) > 1) {
      const reason = `its width and height are missing, and EXIF turns ${path}: ` +
        `write the sides for which it is annotated`;
      return { id, reason };
    }
    const { width, height } = await pictureSize(bytes);
    mend("images whose width and height were read from the picture");
    return { id, fileName, height, width };
  } catch {
    return { id, reason: `its width and height are missing, and ${path} is not a picture` };
  }
}
