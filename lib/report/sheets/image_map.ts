/** Images as the points of a map. */
import { Buffer } from "node:buffer";
import type { ImageSet } from "lib/experiments/mod.ts";
import { categorical, fontFamily, provideFonts } from "lib/report/draw/plot.ts";
import { escapeXml, fittingCaption } from "lib/report/draw/text.ts";

/** Size of a map. */
export interface ImageMapOptions {
  /** Screen pixels a side of the whole map. */
  readonly side?: number;
  /** Screen pixels a side of a picture. */
  readonly picture?: number;
}

/**
 * Draws images at their places on a map, as the bytes of a PNG. The frame of a picture has the colour
 * of its class, as the names below the map have it. Later images cover earlier ones.
 *
 * @param points `[N, 2]`, as `planarMap` and `tsneMap` return them; both axes have the same scale.
 * @throws {RangeError} If there is not one point for each image.
 */
export async function imageMapPng(
  images: ImageSet,
  points: readonly (readonly [x: number, y: number])[],
  { side = 720, picture = 26 }: ImageMapOptions = {},
): Promise<Uint8Array> {
  checkPoints(images, points);
  const { width, height, labels, pixels } = images;
  provideFonts();
  const { default: sharp } = await import("sharp");
  const size = width * height * 3;
  const raw = { width, height, channels: 3 } as const;
  const classes = classesOf(images);
  const places = placesOf(points, side, picture);
  const layers = await Promise.all(places.map(async ([left, top], i) => {
    const frame = colourOf(classes.indexOf(labels[i]!));
    const input = await sharp(pixels.subarray(i * size, (i + 1) * size), { raw })
      .resize(picture - 4, picture - 4, { fit: "fill" })
      .extend({ top: 2, bottom: 2, left: 2, right: 2, background: frame }).png().toBuffer();
    return { input: Buffer.from(input), left, top };
  }));
  const legend = legendOf(classes.map((label) => className(images, label)), side);
  const overlay = { input: Buffer.from(legend.svg), left: 0, top: side };
  const total = side + legend.height;
  const canvas = { width: side, height: total, channels: 3, background: "white" } as const;
  const png = sharp({ create: canvas }).composite([...layers, overlay])
    .png({ palette: true, dither: 1 });
  return new Uint8Array(await png.toBuffer());
}

/** @throws {RangeError} If there is not one point for each image. */
export function checkPoints({ labels }: ImageSet, points: readonly unknown[]): void {
  if (points.length === labels.length && points.length > 0) return;
  throw new RangeError(
    `Cannot draw ${labels.length} images at ${points.length} points: need one point for each`,
  );
}

/** The classes that images are of, in their order: the places of their colours. */
export function classesOf({ labels }: ImageSet): number[] {
  return [...new Set(labels)].sort((a, b) => a - b);
}

/** The name of a class, or that it has none. */
export function className({ classNames }: ImageSet, label: number): string {
  return classNames[label] ?? "unlabelled";
}

/** Upper left corners in screen pixels, so that all pictures lie inside. */
export function placesOf(
  points: readonly (readonly [number, number])[],
  side: number,
  picture: number,
): [left: number, top: number][] {
  const ends = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]!);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const extent = Math.max(...ends.map(([least, most]) => most - least)) || 1;
  const place = (value: number, axis: number) => {
    const [least, most] = ends[axis]!;
    const centred = (value - (least + most) / 2) / extent + 0.5;
    return Math.round(centred * (side - picture));
  };
  return points.map(([x, y]) => [place(x, 0), place(y, 1)]);
}

const [columns, line] = [4, 20]; // names in a row below the map, height of a row

/** The names of the classes with their colours, as a transparent SVG. */
function legendOf(names: readonly string[], width: number): { svg: string; height: number } {
  const height = Math.ceil(names.length / columns) * line + 6;
  const entries = names.map((name, i) => {
    const [x, y] = [8 + (i % columns) * width / columns, 4 + Math.floor(i / columns) * line];
    const text = fittingCaption(name, width / columns - 24);
    return `<rect x="${x}" y="${y}" width="12" height="12" fill="${colourOf(i)}"/>` +
      `<text x="${x + 17}" y="${y + 10}">${escapeXml(text)}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="${fontFamily}" font-size="11">${entries.join("")}</svg>`;
  return { svg, height };
}

/** The colour of a class, by its place in the legend; beyond seven classes, colours repeat. */
export function colourOf(place: number): string {
  return categorical[place % categorical.length]!;
}
