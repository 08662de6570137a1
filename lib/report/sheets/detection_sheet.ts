/** Pictures with objects drawn in them: boxes, names, scores and translucent masks, as one PNG. */
import { Buffer } from "node:buffer";
import type { FoundInPicture, FoundObject } from "lib/experiments/mod.ts";
import { decodeMask } from "lib/datasets/coco/rle.ts";
import { colours, fontFamily, provideFonts } from "lib/report/draw/plot.ts";
import { captionWidth, escapeXml } from "lib/report/draw/text.ts";
import { saveImage } from "lib/report/save/save_figure.ts";

/** An object to draw. Annotated objects have no score. */
export type DrawnObject = Omit<FoundObject, "score"> & Partial<Pick<FoundObject, "score">>;

/** A picture to draw: what `detectIn` or `annotatedPictures` returns. */
export interface DrawnPicture extends Pick<FoundInPicture, "picture"> {
  /** Objects to draw over the picture. */
  readonly objects: readonly DrawnObject[];
}

/** Layout of a sheet of pictures. */
export interface DetectionSheetOptions {
  /** Pictures in a row. */
  readonly columns: number;
  /** Width of a picture in screen pixels. By default 300. */
  readonly width?: number;
}

/** Place of a picture, in screen pixels. */
interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const gap = 6; // between pictures
const { black: _, ...bright } = colours;
const inks = Object.values(bright);

/**
 * Shows a sheet of pictures with their objects and writes it to `outputs/figures/`.
 *
 * @param name Name of the file, without extension: `scenes`.
 * @throws As {@linkcode detectionSheet} and `saveImage`.
 */
export async function showDetections(
  name: string,
  pictures: readonly DrawnPicture[],
  options: DetectionSheetOptions,
): Promise<void> {
  await saveImage(name, await detectionSheet(pictures, options));
}

/**
 * Draws the sheet as the bytes of a PNG. Every class has its own colour, as long as there are at
 * most six.
 *
 * @throws {RangeError} If there is no picture, or columns or width are not positive integers.
 */
export async function detectionSheet(
  pictures: readonly DrawnPicture[],
  { columns, width = 300 }: DetectionSheetOptions,
): Promise<Uint8Array> {
  const whole = [columns, width].every((value) => Number.isInteger(value) && value > 0);
  if (pictures.length === 0 || !whole) {
    throw new RangeError(
      `Cannot draw ${pictures.length} pictures in ${columns} columns ${width} pixels wide: need positive integers`,
    );
  }
  provideFonts();
  const { default: sharp } = await import("sharp");
  const inkOf = inksByClass(pictures);
  const { places, ...size } = layOut(pictures, columns, width);
  const layers = pictures.map(async (drawn, i) => {
    const { left, top, ...to } = places[i]!;
    const from = { width: drawn.picture.width, height: drawn.picture.height, channels: 3 } as const;
    const input = await sharp(withMasks(drawn, inkOf), { raw: from })
      .resize(to.width, to.height, { fit: "fill" }).raw().toBuffer();
    return { input, raw: { ...to, channels: 3 as const }, left, top };
  });
  const boxes = pictures.map((drawn, i) => boxesOf(drawn, places[i]!, inkOf)).join("");
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" ` +
    `height="${size.height}" font-family="${fontFamily}" font-size="11">${boxes}</svg>`;
  const all = [...await Promise.all(layers), { input: Buffer.from(overlay), left: 0, top: 0 }];
  const canvas = sharp({ create: { ...size, channels: 3, background: "white" } });
  return new Uint8Array(await canvas.composite(all).png({ palette: true, dither: 1 }).toBuffer());
}

/** Places of the pictures; a row is as high as its highest picture. */
function layOut(pictures: readonly DrawnPicture[], columns: number, width: number) {
  const heights = pictures.map(({ picture }) =>
    Math.max(1, Math.round(width * picture.height / picture.width))
  );
  const places: Place[] = [];
  let top = gap;
  for (let first = 0; first < heights.length; first += columns) {
    const row = heights.slice(first, first + columns);
    row.forEach((height, i) => places.push({ left: gap + i * (width + gap), top, width, height }));
    top += Math.max(...row) + gap;
  }
  const across = Math.min(columns, pictures.length);
  return { places, width: gap + across * (width + gap), height: top };
}

function inksByClass(pictures: readonly DrawnPicture[]): (name: string) => string {
  const names = [...new Set(pictures.flatMap(({ objects }) => objects.map(({ name }) => name)))];
  const ranks = new Map(names.toSorted().map((name, i) => [name, i]));
  return (name) => inks[ranks.get(name)! % inks.length]!;
}

/** `[H, W, 3]`: the picture, mixed half and half with each object's colour where its mask is. */
function withMasks(
  { picture: { data, width, height, channels }, objects }: DrawnPicture,
  inkOf: (name: string) => string,
): Uint8Array {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => data[Math.floor(i / 3) * channels + i % 3 % channels]!,
  );
  for (const { name, mask } of objects) {
    const ink = Uint8Array.fromHex(inkOf(name).slice(1));
    decodeMask(mask).forEach((inside, p) => {
      for (let c = 0; inside && c < 3; c++) {
        pixels[3 * p + c] = (pixels[3 * p + c]! + ink[c]!) / 2;
      }
    });
  }
  return pixels;
}

/** Boxes with names and scores, as SVG. Names stay inside their picture. */
function boxesOf(
  { picture, objects }: DrawnPicture,
  { left, top, width, height }: Place,
  inkOf: (name: string) => string,
): string {
  const scale = width / picture.width;
  const parts = objects.map(({ name, score, box: [x, y, w, h] }) => {
    const [boxX, boxY] = [left + x * scale, top + y * scale];
    const words = score === undefined ? name : `${name} ${Math.round(100 * score)} %`;
    const textX = Math.max(left + 2, Math.min(boxX + 2, left + width - captionWidth(words)));
    const textY = Math.min(Math.max(boxY - 4, top + 11), top + height - 3);
    return `<rect x="${boxX}" y="${boxY}" width="${w * scale}" height="${h * scale}" fill="none" ` +
      `stroke="${inkOf(name)}" stroke-width="2"/><text x="${textX}" y="${textY}" stroke="white" ` +
      `stroke-width="3" paint-order="stroke">${escapeXml(words)}</text>`;
  });
  return parts.join("");
}
