/** The paper's Table 6: a row for each network, and for each method a column for each picture. */
import { Buffer } from "node:buffer";
import type { CamRow, CamSheet } from "lib/experiments/mod.ts";
import type { Heatmap } from "lib/explain/mod.ts";
import { type ColourMap, colourMap } from "lib/report/draw/colour_maps.ts";
import { overlayHeatmap } from "lib/report/draw/heatmap_overlay.ts";
import { fontFamily, grey, provideFonts } from "lib/report/draw/plot.ts";
import { escapeXml, fittingCaption } from "lib/report/draw/text.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import { saveImage } from "lib/report/save/save_figure.ts";

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

/** Positions in screen pixels. */
interface Layout {
  readonly cell: readonly [width: number, height: number];
  readonly columns: number;
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
  /** Upper left corner of a cell; row 0 holds the pictures, block 0 has Grad-CAM's columns. */
  at(row: number, block: number, column: number): readonly [x: number, y: number];
}

// between cells, between the two blocks, height of a line of text, around everything
const [gap, between, words, margin] = [4, 22, 16, 10];
const [legendWidth, legendHeight] = [330, 26];
const methods = ["Grad-CAM", "Eigen-CAM"];

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
  provideFonts();
  const { default: sharp } = await import("sharp");
  const layout = layOut(sheet, side);
  const { width, height, cell } = layout;
  const background = { width, height, channels: 3, background: "white" } as const;
  const [from, to] = [sheet.images, { width: cell[0], height: cell[1] }].map(
    (size) => ({ width: size.width, height: size.height, channels: 3 }) as const,
  );
  const pictures = drawn(sheet, layout, colours).map(async ({ pixels, at: [left, top] }) => {
    const input = await sharp(pixels, { raw: from }).resize(...cell, { fit: "fill" }).raw()
      .toBuffer();
    return { input, raw: to!, left, top };
  });
  const overlay = Buffer.from(lettering(sheet, layout, colours));
  const layers = [...await Promise.all(pictures), { input: overlay, left: 0, top: 0 }];
  return new Uint8Array(
    await sharp({ create: background }).composite(layers).png({ palette: true, dither: 1 })
      .toBuffer(),
  );
}

function layOut({ images, rows }: CamSheet, side: number): Layout {
  const columns = images.ids.length;
  if (columns === 0 || rows.length === 0) {
    throw new RangeError(
      `Cannot draw a sheet of ${rows.length} networks and ${columns} pictures: need one of each`,
    );
  }
  if (!(Number.isInteger(side) && side > 0)) {
    throw new RangeError(`Cannot draw pictures ${side} pixels high: need a positive integer`);
  }
  const cell = [Math.max(1, Math.round(side * images.width / images.height)), side] as const;
  const longest = Math.max(...["original", ...rows.map(({ name }) => name)].map((n) => n.length));
  const layer = Math.max(...rows.map((row) => layersOf(row).length));
  const names = Math.max(8 * longest, Math.ceil(6.2 * layer));
  const [left, top] = [margin + names + gap, margin + 2 * words];
  const block = columns * (cell[0] + gap) - gap;
  const rowHeight = cell[1] + words + gap;
  return {
    cell,
    columns,
    left,
    top,
    width: left + Math.max(2 * block + between, legendWidth) + margin,
    height: top + (rows.length + 1) * rowHeight + legendHeight + margin,
    at: (row, b, column) => [
      left + b * (block + between) + column * (cell[0] + gap),
      top + row * rowHeight,
    ],
  };
}

/** Every picture at the images' own size, with its place. */
function drawn({ images, rows }: CamSheet, { columns, at }: Layout, colours: ColourMap) {
  const size = images.width * images.height * 3;
  return Array.from({ length: columns }, (_, column) => {
    const picture = images.pixels.subarray(column * size, (column + 1) * size);
    const overlay = (map: Heatmap) => overlayHeatmap(picture, map, { colours });
    const maps = ({ gradCam, eigenCam }: CamRow) => [gradCam?.[column], eigenCam[column]];
    return [
      ...[0, 1].map((block) => ({ pixels: picture, at: at(0, block, column) })),
      ...rows.flatMap((row, i) =>
        maps(row).flatMap((map, block) =>
          map ? [{ pixels: overlay(map), at: at(i + 1, block, column) }] : []
        )
      ),
    ];
  }).flat();
}

/** All text and the colour scale, as a transparent SVG of the sheet's size. */
function lettering(sheet: CamSheet, layout: Layout, colours: ColourMap): string {
  const { at, cell: [cellWidth, cellHeight], columns, width, height } = layout;
  const centred = (x: number, y: number, text: string, size: number, fill = "black") =>
    `<text x="${x}" y="${y}" font-size="${size}" text-anchor="middle" fill="${fill}">${
      escapeXml(text)
    }</text>`;
  const parts = methods.map((method, block) => {
    const [from, to] = [at(0, block, 0)[0], at(0, block, columns - 1)[0] + cellWidth];
    return centred((from + to) / 2, margin + words, method, 14);
  });
  ["original", ...sheet.rows.map(({ name }) => name)].forEach((name, row) => {
    const y = at(row, 0, 0)[1] + cellHeight / 2 + 5;
    parts.push(`<text x="${margin}" y="${y}" font-size="13">${escapeXml(name)}</text>`);
    const layers = row === 0 ? "" : escapeXml(layersOf(sheet.rows[row - 1]!));
    parts.push(`<text x="${margin}" y="${y + 14}" font-size="10" fill="${grey}">${layers}</text>`);
  });
  const below = (row: number, block: number, column: number, text: string) => {
    const [x, y] = at(row, block, column);
    parts.push(
      centred(x + cellWidth / 2, y + cellHeight + 12, fittingCaption(text, cellWidth), 11, grey),
    );
  };
  for (let column = 0; column < columns; column++) {
    for (const block of [0, 1]) below(0, block, column, caption(sheet, column));
    sheet.rows.forEach(({ gradCam }, i) =>
      below(i + 1, 0, column, gradCam ? gradCam[column]!.className : "no classifier")
    );
  }
  parts.push(legend(layout, colours));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="${fontFamily}">${parts.join("")}</svg>`;
}

/** The layers that a row draws, as they stand below the network's name. */
function layersOf({ layers }: CamRow): string {
  return layers.join(", ");
}

/** The name of an image's class; without a class, the image's own name. */
function caption({ images }: CamSheet, column: number): string {
  return images.classNames[images.labels[column]!] ?? images.ids[column]!;
}

/** The colour scale, from 0 to the highest value of each map. */
function legend({ left, height }: Layout, colours: ColourMap): string {
  const y = height - margin - 14;
  const step = 8;
  const strip = colourMap(colours).filter((_, level) => level % step === 0).map((colour, i) =>
    `<rect x="${left + 12 + i * 5}" y="${y}" width="5.5" height="12" fill="rgb(${colour.join()})"/>`
  ).join("");
  const end = left + 12 + 256 / step * 5 + 6;
  return `<g font-size="11"><text x="${left}" y="${y + 10}">0</text>${strip}` +
    `<text x="${end}" y="${y + 10}">1, the highest of each map</text></g>`;
}
