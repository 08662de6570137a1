/**
 * Where a COCO set's pictures are: names as other systems write them, and sides that the file does
 * not say.
 */
import { basename, dirname, join } from "@std/path";
import type { DraftImage, Mend } from "lib/datasets/coco/check_elements.ts";
import type { CocoImage } from "lib/datasets/coco/coco_set.ts";
import { orientationOf } from "lib/datasets/coco/exif_turn.ts";
import { pictureSize } from "lib/datasets/pictures/decode_picture.ts";

/** An image with its picture; or why it cannot be used. */
export type Placed = CocoImage | { readonly id: number; readonly reason: string };

/**
 * The images with the names under which their pictures lie in `folder`.
 *
 * A name is taken as it is; else with `/` for Windows' `\`; else, if no other image has it too,
 * without its folders, as where a file was made on another computer.
 */
export async function placePictures(
  images: readonly DraftImage[],
  folder: string,
  mend: Mend,
): Promise<Placed[]> {
  const listings = new Map<string, ReadonlySet<string>>();
  const isThere = async (name: string) => {
    const inside = dirname(join(folder, name));
    const names = listings.get(inside) ?? await namesIn(inside); // a list for all pictures in it
    listings.set(inside, names);
    return names.has(basename(name));
  };
  const sharing = Map.groupBy(images, ({ fileName }) => lastPart(fileName));
  const placed: Placed[] = [];
  for (const image of images) {
    const { id, fileName } = image;
    const alone = sharing.get(lastPart(fileName))!.length === 1 ? [lastPart(fileName)] : [];
    const names = [fileName, fileName.replaceAll("\\", "/"), ...alone];
    let found: string | undefined;
    for (const name of names) if (found === undefined && await isThere(name)) found = name;
    if (found === undefined) {
      placed.push({ id, reason: `there is no picture ${join(folder, fileName)}` });
      continue;
    }
    if (found !== fileName) {
      mend("pictures found under the last part of their name, or with / for \\");
    }
    placed.push(await withSides({ ...image, fileName: found }, folder, mend));
  }
  return placed;
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

/** The image with the sides of its picture, where the file has none. */
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
      const reason =
        `its width and height are missing, and EXIF turns ${path}: write the sides for which it is annotated`;
      return { id, reason };
    }
    const { width, height } = await pictureSize(bytes);
    mend("images whose width and height were read from the picture");
    return { id, fileName, height, width };
  } catch {
    return { id, reason: `its width and height are missing, and ${path} is no picture` };
  }
}
