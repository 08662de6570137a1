/** Features of patches as pictures: their principal components as colours, and likeness to a patch. */
import type { ImageSet, PatchMap } from "lib/experiments/mod.ts";
import { type Patch, patchColours, patchSimilarities } from "lib/explain/mod.ts";
import { signedImage } from "lib/report/draw/coloured_map.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import type { GridImages } from "lib/report/draw/image_grid.ts";
import {
  colourLegend,
  type PictureSheet,
  pictureSheetPng,
  type SheetPicture,
  type SheetRow,
} from "lib/report/sheets/picture_sheet.ts";

/** Maps of some networks side by side, with the pictures that they are of. */
export interface PatchSheet {
  /** The pictures, in the order of the features. */
  readonly images: ImageSet;
  /** For each block its title, and a map for each network, of the same networks in each block. */
  readonly blocks: readonly { readonly title: string; readonly maps: readonly PatchMap[] }[];
}

/** Height of a picture in screen pixels. */
const side = 96;

/**
 * Draws the patches' first three principal components as red, green and blue, with the background
 * black, as the bytes of a PNG: the pictures at the top, a row for each network, and a block for
 * each layer. Colours are alike within a row of a block only: another network, or another layer, has
 * components of its own.
 *
 * @param options.foregroundOnly Whether the background is left black; by default it is.
 * @throws {RangeError} If there is no picture or no network.
 */
export async function patchColoursPng(
  sheet: PatchSheet,
  options: { readonly foregroundOnly?: boolean } = {},
): Promise<Uint8Array> {
  const coloured = sheetOf(sheet, ({ features }) => {
    const { pixels, height, width } = patchColours(features, options);
    const size = height * width * 3;
    return sheet.images.ids.map((_, i) => ({
      image: { height, width, pixels: pixels.subarray(i * size, (i + 1) * size) },
    }));
  });
  return await pictureSheetPng(coloured);
}

/**
 * A patch of one of some pictures. Its place is in fractions of the picture's height and width, 0 at
 * the top and at the left, so that it means the same for maps of any size.
 */
export interface PatchPlace {
  /** Which picture, counted from 0. */
  readonly image: number;
  /** 0 to below 1. */
  readonly y: number;
  /** 0 to below 1. */
  readonly x: number;
}

/**
 * Draws how alike each patch of all pictures is to one of them, as the bytes of a PNG in the layout of
 * {@linkcode patchColoursPng}: red where the cosine is 1, white at 0, blue at −1. The patch is framed.
 *
 * @throws {RangeError} If there is no picture of that number, no network, or the place is outside.
 */
export async function patchSimilarityPng(sheet: PatchSheet, at: PatchPlace): Promise<Uint8Array> {
  return await pictureSheetPng(similaritySheet(sheet, at));
}

/** The sheet of {@linkcode patchSimilarityPng}. @throws As it does. */
export function similaritySheet(sheet: PatchSheet, at: PatchPlace): PictureSheet {
  const legend = colourLegend(colourMap("rdbu_r"), "−1", "1, the patch itself");
  return sheetOf(sheet, (map) => similarPictures(map, at), legend);
}

/**
 * How alike all patches are to one of them, a picture for each image; the patch is framed.
 *
 * @throws {RangeError} If there is no picture of that number, or the place is outside.
 */
export function similarPictures({ features }: PatchMap, at: PatchPlace): SheetPicture[] {
  const { images, height, width } = features;
  const patch = {
    image: at.image,
    row: cellOf("y", at.y, height),
    column: cellOf("x", at.x, width),
  };
  const cosines = patchSimilarities(features, patch);
  const size = height * width;
  return Array.from({ length: images }, (_, i) => ({
    image: signedImage(cosines.subarray(i * size, (i + 1) * size), features, { most: 1 }),
    ...(i === at.image && { frame: frameOf(patch, features) }),
  }));
}

/** The row or column of a map that a fraction of its side lies in. */
function cellOf(name: string, fraction: number, count: number): number {
  if (fraction >= 0 && fraction < 1) return Math.floor(fraction * count);
  throw new RangeError(`Cannot choose the patch at ${name} ${fraction}: need 0 to below 1`);
}

function frameOf({ row, column }: Patch, { height, width }: { height: number; width: number }) {
  return { x: column / width, y: row / height, width: 1 / width, height: 1 / height };
}

/** A sheet with the pictures at the top and a row for each network. */
function sheetOf(
  { images, blocks }: PatchSheet,
  picturesOf: (map: PatchMap) => readonly SheetPicture[],
  legend?: PictureSheet["legend"],
): PictureSheet {
  const originals = images.ids.map((_, i) => ({ image: pictureOf(images, i) }));
  const first: SheetRow = { name: "original", blocks: blocks.map(() => originals) };
  const rows = (blocks[0]?.maps ?? []).map(({ name }, i): SheetRow => {
    const maps = blocks.map(({ maps }) => maps[i]!);
    const sizes = maps.map(({ features: { height, width } }) => `${height}×${width}`);
    const note = maps.map(({ layer }, block) => `${layer}, ${sizes[block]}`).join("; ");
    return { name, note, blocks: maps.map(picturesOf) };
  });
  return {
    titles: blocks.map(({ title }) => title),
    rows: [first, ...rows],
    cell: patchSides(images),
    squares: true,
    ...(legend && { legend }),
  };
}

/** Width and height in screen pixels of a picture of these images. */
export function patchSides(images: Pick<ImageSet, "width" | "height">): [number, number] {
  return [Math.max(1, Math.round(side * images.width / images.height)), side];
}

/** One of some images. */
export function pictureOf({ width, height, pixels }: ImageSet, index: number): GridImages {
  const size = width * height * 3;
  return { width, height, pixels: pixels.subarray(index * size, (index + 1) * size) };
}
