/** Grids of images: magnified without smoothing, with captions and coloured borders, as one PNG. */
import { Buffer } from "node:buffer";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import { colours, fontFamily, provideFonts } from "./plot.ts";
import { escapeXml, fittingCaption } from "./text.ts";

/** Images to draw: `[N, H, W, 3]`, RGB, 0–255. An {@linkcode ImageSet} is one. */
export type GridImages = Pick<ImageSet, "height" | "width" | "pixels">;

/** Layout and captions of a grid of images. */
export interface ImageGridOptions {
  /** Images in a row. */
  readonly columns: number;
  /** Number of images to draw, from the first; by default all. */
  readonly count?: number;
  /** Title above the grid. */
  readonly title?: string;
  /** One caption for each column, above it, or one for each image, below it. */
  readonly captions?: readonly string[];
  /** One entry for each image: true gives a solid green border, false a dashed vermilion one. */
  readonly sameClass?: readonly boolean[];
  /**
   * Screen pixels per image pixel, an integer; by default, an image becomes about 64 pixels wide.
   */
  readonly scale?: number;
  /** Whether at most 256 colours are kept, in about half the bytes; by default all are. */
  readonly palette?: boolean;
}

/** Sizes in pixels and counts of a grid. */
interface Layout {
  readonly columns: number;
  readonly count: number;
  readonly scale: number;
  /** Width of a drawn image. */
  readonly width: number;
  readonly height: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly perColumn: boolean;
}

const gap = 4; // between images; borders are drawn in it
const textHeight = 18;

/**
 * Shows images in rows.
 *
 * @throws {RangeError} If columns, count or scale are not positive integers, or the number of
 *   captions or borders fits neither columns nor images.
 * @throws {TypeError} If there are not N·H·W·3 pixel values.
 *
 * @example
 * ```ts
 * import { imageGrid, imageGridPng } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const pixels = Uint8Array.from({ length: 6 * 8 * 8 * 3 }, (_, i) => i % 256); // [6, 8, 8, 3]
 * const images = { height: 8, width: 8, pixels };
 * await imageGrid(images, { columns: 3, title: "six patterns" });
 *
 * const png = await imageGridPng(images, { columns: 3 }); // the same as a file, for saveImage
 * assertEquals([...png.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
 * ```
 */
export async function imageGrid(images: GridImages, options: ImageGridOptions): Promise<void> {
  const png = await imageGridPng(images, options);
  const name = options.title ?? "images";
  await show({ "image/png": png.toBase64(), "text/plain": `${name} (${png.length} bytes of PNG)` });
}

/** Draws the same grid as the bytes of a PNG, for `saveImage`. Throws as {@linkcode imageGrid}. */
export async function imageGridPng(
  images: GridImages,
  options: ImageGridOptions,
): Promise<Uint8Array> {
  provideFonts();
  const { default: sharp } = await import("sharp");
  const layout = layOut(images, options);
  const width = layout.columns * layout.cellWidth + gap;
  const height = layout.top + Math.ceil(layout.count / layout.columns) * layout.cellHeight + gap;
  const canvas = new Uint8Array(width * height * 3).fill(255);
  for (let i = 0; i < layout.count; i++) {
    magnify(images, i, layout.scale, canvas, width, corner(layout, i));
  }
  const overlay = Buffer.from(drawOver(layout, options, width, height));
  const image = sharp(canvas, { raw: { width, height, channels: 3 } });
  const form = options.palette ? { palette: true, dither: 1 } : {};
  const file = await image.composite([{ input: overlay }]).png(form).toBuffer();
  return new Uint8Array(file);
}

function layOut(images: GridImages, options: ImageGridOptions): Layout {
  const { columns, captions, sameClass, title } = options;
  const size = images.height * images.width * 3;
  const total = images.pixels.length / size;
  if (!Number.isInteger(total) || total === 0) {
    throw new TypeError(
      `Cannot draw images: need N·${images.height}·${images.width}·3 values, got ${images.pixels.length}`,
    );
  }
  const count = Math.min(positive("count", options.count ?? total), total);
  const scale = positive("scale", options.scale ?? Math.max(1, Math.round(64 / images.width)));
  positive("columns", columns);
  const perColumn = captions?.length === columns;
  if (captions && !perColumn) matching("captions", captions.length, total);
  if (sameClass) matching("sameClass", sameClass.length, total);
  const [width, height] = [images.width * scale, images.height * scale];
  const top = (title ? textHeight + 4 : 0) + (captions && perColumn ? textHeight : 0);
  const below = captions && !perColumn ? textHeight : 0;
  const cells = { cellWidth: width + gap, cellHeight: height + gap + below };
  return { columns, count, scale, width, height, top, ...cells, perColumn };
}

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(
    `Cannot draw images: need a positive integer as ${name}, current is ${value}`,
  );
}

function matching(name: string, actual: number, expected: number): void {
  if (actual === expected) return;
  throw new RangeError(
    `Cannot draw images: need ${expected} of ${name}, current count is ${actual}`,
  );
}

function corner({ columns, cellWidth, cellHeight, top }: Layout, index: number) {
  const row = Math.floor(index / columns);
  return { x: gap + (index % columns) * cellWidth, y: gap + top + row * cellHeight };
}

/** Copies image `index` to the canvas, each pixel as a square of `scale`². */
function magnify(
  { width, height, pixels }: GridImages,
  index: number,
  scale: number,
  canvas: Uint8Array,
  canvasWidth: number,
  { x, y }: { x: number; y: number },
): void {
  for (let row = 0; row < height; row++) {
    const start = ((y + row * scale) * canvasWidth + x) * 3;
    for (let column = 0; column < width; column++) {
      const from = ((index * height + row) * width + column) * 3;
      for (let i = 0; i < scale; i++) {
        const to = start + (column * scale + i) * 3;
        for (let c = 0; c < 3; c++) canvas[to + c] = pixels[from + c]!;
      }
    }
    const end = start + width * scale * 3;
    for (let i = 1; i < scale; i++) canvas.copyWithin(start + i * canvasWidth * 3, start, end);
  }
}

/** Title, captions and borders as a transparent SVG of the grid's size. */
function drawOver(
  layout: Layout,
  { title, captions = [], sameClass }: ImageGridOptions,
  width: number,
  height: number,
): string {
  const text = (x: number, y: number, size: number, words: string, anchor = "middle") =>
    `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}">${
      escapeXml(words)
    }</text>`;
  const parts = title ? [text(gap, textHeight - 4, 13, title, "start")] : [];
  for (let i = 0; i < (layout.perColumn ? layout.columns : layout.count); i++) {
    const { x, y } = corner(layout, i);
    const below = y + layout.height + textHeight - 5;
    const middle = x + layout.width / 2;
    const words = captions[i] && fittingCaption(captions[i]!, layout.width);
    if (words) parts.push(text(middle, layout.perColumn ? y - 6 : below, 11, words));
  }
  for (let i = 0; sameClass && i < layout.count; i++) {
    parts.push(border(layout, corner(layout, i), sameClass[i]!));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="${fontFamily}">${parts.join("")}</svg>`;
}

/** A border; dashes tell the two kinds apart where colours do not. */
function border(layout: Layout, { x, y }: { x: number; y: number }, same: boolean): string {
  const stroke = same
    ? `stroke="${colours.green}"`
    : `stroke="${colours.vermilion}" stroke-dasharray="8 4"`;
  return `<rect x="${x - 1}" y="${y - 1}" width="${layout.width + 2}" height="${
    layout.height + 2
  }" ` +
    `fill="none" stroke-width="3" ${stroke}/>`;
}
