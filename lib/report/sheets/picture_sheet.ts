/** Pictures in rows with names and in blocks with titles, as one PNG. */
import { Buffer } from "node:buffer";
import type { GridImages } from "lib/report/draw/image_grid.ts";
import { fontFamily, grey, provideFonts } from "lib/report/draw/plot.ts";
import { captionWidth, escapeXml, fittingCaption } from "lib/report/draw/text.ts";

/** A picture of a sheet. */
export interface SheetPicture {
  /** One image, `[H, W, 3]`, RGB, 0–255; without it, the place stays white. */
  readonly image?: GridImages;
  /** Text below it, which is cut to its width. */
  readonly caption?: string;
  /** A part of the picture to frame, in fractions of its sides. */
  readonly frame?: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

/** A row of a sheet. */
export interface SheetRow {
  /** To the left of its pictures. */
  readonly name: string;
  /** Below the name, smaller. */
  readonly note?: string;
  /** For each block its pictures. */
  readonly blocks: readonly (readonly SheetPicture[])[];
}

/** A sheet of pictures. */
export interface PictureSheet {
  /** The title above each block. */
  readonly titles: readonly string[];
  /** Its rows, from the top. */
  readonly rows: readonly SheetRow[];
  /** Width and height in screen pixels that every picture is scaled to. */
  readonly cell: readonly [width: number, height: number];
  /** Whether enlarged pictures keep their pixels as squares; by default they are smoothed. */
  readonly squares?: boolean;
  /** Below all rows, at the left end of the pictures; its height is that of two lines of text. */
  readonly legend?: { readonly width: number; draw(x: number, y: number): string };
}

/** Positions in screen pixels. */
export interface SheetLayout {
  /** Where the pictures begin. */
  readonly left: number;
  /** Of the whole sheet. */
  readonly width: number;
  /** Of the whole sheet. */
  readonly height: number;
  /** Upper left corner of a picture. */
  at(row: number, block: number, column: number): readonly [x: number, y: number];
  /** Left and right end of a block. */
  ends(block: number): readonly [from: number, to: number];
}

// between pictures, between blocks, height of a line of text, around everything
const [gap, between, words, margin] = [4, 22, 16, 10];
const legendHeight = 26;

/**
 * Draws a sheet as the bytes of a PNG.
 *
 * @throws {RangeError} If there is no row or no picture, or a cell is not of positive integers.
 */
export async function pictureSheetPng(sheet: PictureSheet): Promise<Uint8Array> {
  provideFonts();
  const { default: sharp } = await import("sharp");
  const layout = layOut(sheet);
  const { width, height } = layout;
  const [cellWidth, cellHeight] = sheet.cell;
  const raw = { width: cellWidth, height: cellHeight, channels: 3 } as const;
  const drawn = placed(sheet, layout).flatMap(({ picture: { image }, at }) =>
    image ? [{ image, at }] : []
  );
  const pictures = drawn.map(async ({ image, at: [left, top] }) => {
    const size = { width: image.width, height: image.height, channels: 3 } as const;
    const kernel = sheet.squares ? "nearest" : "lanczos3";
    const input = await sharp(image.pixels, { raw: size })
      .resize(cellWidth, cellHeight, { fit: "fill", kernel }).raw().toBuffer();
    return { input, raw, left, top };
  });
  const overlay = Buffer.from(lettering(sheet, layout));
  const layers = [...await Promise.all(pictures), { input: overlay, left: 0, top: 0 }];
  const background = { width, height, channels: 3, background: "white" } as const;
  return new Uint8Array(
    await sharp({ create: background }).composite(layers).png({ palette: true, dither: 1 })
      .toBuffer(),
  );
}

/** Where everything of a sheet stands. @throws As {@linkcode pictureSheetPng}. */
export function layOut({ rows, titles, cell, legend }: PictureSheet): SheetLayout {
  const columns = titles.map((_, block) =>
    rows.reduce((most, { blocks }) => Math.max(most, blocks[block]?.length ?? 0), 0)
  );
  if (rows.length === 0 || !columns.some((count) => count > 0)) {
    throw new RangeError(
      `Cannot draw a sheet of ${rows.length} rows and ${
        columns.join(" + ")
      } pictures a row: need one of each`,
    );
  }
  const wrong = cell.find((side) => !(Number.isInteger(side) && side > 0));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw pictures ${wrong} pixels high: need a positive integer`);
  }
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const note = Math.max(...rows.map(({ note = "" }) => note.length));
  const left = margin + Math.max(8 * longest, Math.ceil(6.2 * note)) + gap;
  const top = margin + 2 * words;
  const widths = columns.map((count) => Math.max(count * (cell[0] + gap) - gap, 0));
  const starts = widths.map((_, block) =>
    left + widths.slice(0, block).reduce((sum, width) => sum + width + between, 0)
  );
  const rowHeight = cell[1] + words + gap;
  return {
    left,
    width: Math.max(starts.at(-1)! + widths.at(-1)!, left + (legend?.width ?? 0)) + margin,
    height: top + rows.length * rowHeight + (legend ? legendHeight : 0) + margin,
    at: (row, block, column) => [starts[block]! + column * (cell[0] + gap), top + row * rowHeight],
    ends: (block) => [starts[block]!, starts[block]! + widths[block]!],
  };
}

/** Every picture with its place. */
function placed({ rows }: PictureSheet, { at }: SheetLayout) {
  return rows.flatMap(({ blocks }, row) =>
    blocks.flatMap((pictures, block) =>
      pictures.map((picture, column) => ({ picture, at: at(row, block, column) }))
    )
  );
}

/** Titles, names, captions, frames and the legend, as a transparent SVG of the sheet's size. */
function lettering(sheet: PictureSheet, layout: SheetLayout): string {
  const { rows, titles, cell: [cellWidth, cellHeight], legend } = sheet;
  const { at, ends, left, width, height } = layout;
  const centred = (x: number, y: number, text: string, size: number, fill = "black") =>
    `<text x="${x}" y="${y}" font-size="${size}" text-anchor="middle" fill="${fill}">${
      escapeXml(text)
    }</text>`;
  const parts = titles.map((title, block) => {
    const [from, to] = ends(block);
    return centred((from + to) / 2, margin + words, title, 14);
  });
  rows.forEach(({ name, note = "" }, row) => {
    const y = at(row, 0, 0)[1] + cellHeight / 2 + 5;
    parts.push(
      `<text x="${margin}" y="${y}" font-size="13">${escapeXml(name)}</text>`,
      `<text x="${margin}" y="${y + 14}" font-size="10" fill="${grey}">${escapeXml(note)}</text>`,
    );
  });
  for (const { picture: { caption, frame }, at: [x, y] } of placed(sheet, layout)) {
    if (caption !== undefined) {
      const text = fittingCaption(caption, cellWidth);
      parts.push(centred(x + cellWidth / 2, y + cellHeight + 12, text, 11, grey));
    }
    if (frame) parts.push(...outline(frame, x, y, cellWidth, cellHeight));
  }
  if (legend) parts.push(legend.draw(left, height - margin - 14));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="${fontFamily}">${parts.join("")}</svg>`;
}

/** A white frame with a black edge, so that it is seen on any picture. */
function outline(
  frame: NonNullable<SheetPicture["frame"]>,
  x: number,
  y: number,
  width: number,
  height: number,
): string[] {
  const place = `x="${x + frame.x * width}" y="${y + frame.y * height}" ` +
    `width="${frame.width * width}" height="${frame.height * height}" fill="none"`;
  return [
    `<rect ${place} stroke="black" stroke-width="4"/>`,
    `<rect ${place} stroke="white" stroke-width="2"/>`,
  ];
}

/** A strip of colours from one number to another, as the legend of a sheet. */
export function colourLegend(
  palette: readonly (readonly number[])[],
  from: string,
  to: string,
): NonNullable<PictureSheet["legend"]> {
  const [step, swatch] = [8, 5];
  const start = Math.ceil(captionWidth(from)) + 5;
  const strip = swatch * palette.length / step;
  return {
    width: start + strip + 6 + Math.ceil(captionWidth(to)),
    draw: (x, y) => {
      const squares = palette.filter((_, level) => level % step === 0).map((colour, i) =>
        `<rect x="${x + start + i * swatch}" y="${y}" width="${swatch + 0.5}" height="12" ` +
        `fill="rgb(${colour.join()})"/>`
      ).join("");
      const end = x + start + strip + 6;
      return `<g font-size="11"><text x="${x}" y="${y + 10}">${escapeXml(from)}</text>${squares}` +
        `<text x="${end}" y="${y + 10}">${escapeXml(to)}</text></g>`;
    },
  };
}
