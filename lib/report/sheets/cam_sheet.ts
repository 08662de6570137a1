/** The paper's Table 6: a row for each network, and for each method a column for each picture. */
import type { CamRow, CamSheet } from "lib/experiments/mod.ts";
import type { Heatmap } from "lib/explain/mod.ts";
import { type ColourMap, colourMap } from "lib/report/draw/colour_maps.ts";
import { overlayHeatmap } from "lib/report/draw/heatmap_overlay.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import { saveImage } from "lib/report/save/save_figure.ts";
import { colourLegend, pictureSheetPng, type SheetRow } from "lib/report/sheets/picture_sheet.ts";

/** Colours and size of a sheet of maps. */
export interface CamSheetOptions {
  /**
   * By default a map that can be read with any colour vision; the paper's pictures are in `jet`.
   */
  readonly colours?: ColourMap;
  /** Height of a picture in screen pixels. */
  readonly side?: number;
}

/**
 * Shows a sheet of class activation maps and writes it to `outputs/figures/`.
 *
 * @param name Name of the file, without extension: `table6`.
 * @throws As {@linkcode camSheetPng} and `saveImage`.
 */
export async function showCams(
  name: string,
  sheet: CamSheet,
  options: CamSheetOptions = {},
): Promise<void> {
  await saveImage(name, await camSheetPng(sheet, options));
}

/**
 * The maps of one network after the other, for `slider`.
 *
 * @throws {RangeError} As {@linkcode camSheetPng}.
 */
export async function camFrames(
  { images, rows }: CamSheet,
  options: CamSheetOptions = {},
): Promise<SliderFrame[]> {
  const frames = rows.map(async (row) => ({
    at: row.name,
    picture: await camSheetPng({ images, rows: [row] }, options),
  }));
  return await Promise.all(frames);
}

/**
 * Draws the sheet as the bytes of a PNG: pictures at the top, then each network's heat maps over
 * them, with the layer below the network's name and the class that a Grad-CAM explains below the
 * map. A network without a classifier has no
 * Grad-CAM, and the sheet says so.
 *
 * @throws {RangeError} If there is no picture or no network, or `side` is not a positive integer.
 */
export async function camSheetPng(
  sheet: CamSheet,
  { colours = "inferno", side = 112 }: CamSheetOptions = {},
): Promise<Uint8Array> {
  const { images, rows } = sheet;
  if (images.ids.length === 0 || rows.length === 0) {
    throw new RangeError(
      `Cannot draw a sheet of ${rows.length} networks and ${images.ids.length} pictures: need one of each`,
    );
  }
  return await pictureSheetPng({
    titles: ["Grad-CAM", "Eigen-CAM"],
    rows: [originals(sheet), ...rows.map((row) => mapsOf(row, sheet, colours))],
    cell: [Math.max(1, Math.round(side * images.width / images.height)), side],
    legend: colourLegend(colourMap(colours), "0", "1, the highest of each map"),
  });
}

function pictureAt({ images: { width, height, pixels } }: CamSheet, column: number) {
  const size = width * height * 3;
  return { width, height, pixels: pixels.subarray(column * size, (column + 1) * size) };
}

function originals(sheet: CamSheet): SheetRow {
  const pictures = sheet.images.ids.map((_, column) => ({
    image: pictureAt(sheet, column),
    caption: caption(sheet, column),
  }));
  return { name: "original", blocks: [pictures, pictures] };
}

/** The row of a network: its maps over the pictures, in the two blocks. */
function mapsOf(
  { name, layers, gradCam, eigenCam }: CamRow,
  sheet: CamSheet,
  colours: ColourMap,
): SheetRow {
  const over = (map: Heatmap, column: number) => {
    const image = pictureAt(sheet, column);
    return { ...image, pixels: overlayHeatmap(image.pixels, map, { colours }) };
  };
  const cells = sheet.images.ids.map((_, i) => {
    const grad = gradCam?.[i];
    return {
      grad: grad ? { image: over(grad, i), caption: grad.className } : { caption: "no classifier" },
      eigen: { image: over(eigenCam[i]!, i) },
    };
  });
  const blocks = [cells.map(({ grad }) => grad), cells.map(({ eigen }) => eigen)];
  return { name, note: layers.join(", "), blocks };
}

/** The name of an image's class; without a class, the image's own name. */
function caption({ images }: CamSheet, column: number): string {
  return images.classNames[images.labels[column]!] ?? images.ids[column]!;
}
