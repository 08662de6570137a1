/** What a network makes of some pictures as its training goes on, a frame for each moment. */
import type { CamSheet, PatchMap } from "lib/experiments/mod.ts";
import { patchColours } from "lib/explain/mod.ts";
import { overlayHeatmap } from "lib/report/draw/heatmap_overlay.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import {
  type PatchPlace,
  patchSides,
  pictureOf,
  similarPictures,
} from "lib/report/sheets/patch_sheet.ts";
import { pictureSheetPng, type SheetPicture } from "lib/report/sheets/picture_sheet.ts";

/** The same pictures as a network sees them at several moments. */
export interface GrowthSheet extends CamSheet {
  /** Features of the pictures' patches, a map for each row of class activation maps. */
  readonly maps: readonly PatchMap[];
}

/**
 * One picture for each moment, for `slider`. From the top: the pictures; their patches' first three
 * principal components as colours (see `patchColours`); how alike each patch is to the framed one,
 * red at a cosine of 1, blue at −1; and Eigen-CAM. Colours of two moments cannot be compared, the
 * other rows can.
 *
 * @param at The patch that all are compared with.
 * @throws {RangeError} If there is not one map for each row, or no picture of that number, or the
 *   place is outside.
 */
export async function growthFrames(sheet: GrowthSheet, at: PatchPlace): Promise<SliderFrame[]> {
  const { rows, maps } = sheet;
  if (rows.length !== maps.length) {
    throw new RangeError(
      `Cannot draw ${rows.length} moments with ${maps.length} maps: need one for each`,
    );
  }
  const frames = maps.map(async (map, i) => ({
    at: map.name,
    picture: await frameOf(sheet, map, rows[i]!, at),
    says:
      "red: a cosine of 1 with the framed patch, blue: −1; Eigen-CAM: brightest where it is hot",
  }));
  return await Promise.all(frames);
}

async function frameOf(
  { images }: GrowthSheet,
  map: PatchMap,
  { eigenCam, layers }: GrowthSheet["rows"][number],
  at: PatchPlace,
): Promise<Uint8Array> {
  const { pixels, height, width } = patchColours(map.features);
  const size = height * width * 3;
  const similar = similarPictures(map, at);
  const pictures = images.ids.map((_, i) => pictureOf(images, i));
  const row = (name: string, note: string, pictures: readonly SheetPicture[]) => ({
    ...{ name, note, blocks: [pictures] },
  });
  const layer = `${map.layer}, ${height}×${width}`;
  return await pictureSheetPng({
    titles: [map.name],
    rows: [
      row("picture", "", pictures.map((image, i) => ({ image, frame: similar[i]!.frame }))),
      row(
        "components",
        layer,
        pictures.map((_, i) => ({
          image: { height, width, pixels: pixels.subarray(i * size, (i + 1) * size) },
        })),
      ),
      row("like the framed patch", layer, similar),
      row(
        "Eigen-CAM",
        layers.join(", "),
        pictures.map((image, i) => ({
          image: { ...image, pixels: overlayHeatmap(image.pixels, eigenCam[i]!) },
        })),
      ),
    ],
    cell: patchSides(images),
    squares: true,
  });
}
