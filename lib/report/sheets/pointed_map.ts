/** Images as points of a map, each of which shows its image to the reader who points at it. */
import { Buffer } from "node:buffer";
import * as Plot from "@observablehq/plot";
import type { ImageSet } from "lib/experiments/mod.ts";
import { type Figure, plot, toPng, toSvg } from "lib/report/draw/plot.ts";
import { fittingCaption } from "lib/report/draw/text.ts";
import { figureOutput, type MarkPictures } from "lib/report/interactive/figure.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import {
  checkPoints,
  classesOf,
  className,
  colourOf,
  placesOf,
} from "lib/report/sheets/image_map.ts";

const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;
const [side, radius, rim] = [720, 5, 16]; // screen pixels; no point lies within half a rim of the edge
const [columns, line] = [4, 20]; // names in a row below the map, height of a row
const mostPixels = 64; // a side of a picture in the output; larger ones are reduced

/** An image as a point. */
interface Point {
  /** Its place among the images. */
  readonly index: number;
  readonly x: number;
  readonly y: number;
  /** The place of its class in the legend. */
  readonly kind: number;
  /** What it says: the name of its class, and its id. */
  readonly title: string;
}

/**
 * Shows images as points of a map: a colour and a symbol for each class, and under the pointer the
 * image, enlarged, with its class and its id. The arrow keys go through the points from left to
 * right. The output needs no kernel, so it works in an exported page; `imageMapPng` is its still.
 *
 * @param points `[N, 2]`, as `planarMap` and `tsneMap` return them; both axes have the same scale.
 * @throws {RangeError} If there is not one point for each image, or the output would have more than
 *   1 MB; a few hundred images have less.
 *
 * @example
 * ```ts
 * import { imageMap } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const images = {
 *   ...{ name: "two", height: 2, width: 2, pixels: new Uint8Array(24), ids: ["noto/a", "noto/b"] },
 *   ...{ labels: Int32Array.of(0, 1), classNames: ["first", "second"] },
 * };
 * await imageMap(images, [[0, 0], [3, 1]]);
 * assertEquals(images.ids.length, 2);
 * ```
 */
export async function imageMap(
  images: ImageSet,
  points: readonly (readonly [x: number, y: number])[],
): Promise<void> {
  await show(await imageMapOutput(images, points));
}

/** The output of {@linkcode imageMap}. @throws As it does. */
export async function imageMapOutput(
  images: ImageSet,
  points: readonly (readonly [x: number, y: number])[],
): Promise<DisplayData> {
  checkPoints(images, points);
  const classes = classesOf(images);
  const placed = placesOf(points, side, rim).map(([left, top], index): Point => {
    const label = images.labels[index]!;
    return {
      ...{ index, x: left + rim / 2, y: top + rim / 2, kind: classes.indexOf(label) },
      title: `${className(images, label)}\n${images.ids[index]}`,
    };
  }).sort((a, b) => a.x - b.x || a.index - b.index); // the arrow keys follow this order
  const names = classes.map((label) => className(images, label));
  const svg = toSvg(drawing(placed, names));
  const pictures = await picturesOf(images, placed.map(({ index }) => index));
  const text = `${points.length} images on a map, by class: ${names.join(", ")}`;
  return figureOutput(svg, await toPng(svg, { colours: 64 }), text, pictures);
}

/** The points and, below them, the names of their classes. */
function drawing(points: readonly Point[], names: readonly string[]): Figure {
  const height = side + Math.ceil(names.length / columns) * line + 6;
  const kinds = names.map((name, kind) => ({
    ...{ kind, x: 14 + (kind % columns) * side / columns },
    y: side + 10 + Math.floor(kind / columns) * line,
    name: fittingCaption(name, side / columns - 24),
  }));
  const dots = (shown: readonly (Point | typeof kinds[number])[]) =>
    Plot.dot(shown, {
      ...{ x: "x", y: "y", r: radius, stroke: "white", strokeWidth: 0.7 },
      fill: ({ kind }: { kind: number }) => colourOf(kind),
      symbol: ({ kind }: { kind: number }) => symbolOf(kind),
      ...(shown === points && { title: "title" }),
    });
  return plot({
    ...{ width: side, height, margin: 0 },
    x: { domain: [0, side], axis: null },
    y: { domain: [0, height], reverse: true, axis: null },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      dots(points),
      dots(kinds),
      Plot.text(kinds, { x: "x", y: "y", dx: 12, text: "name", textAnchor: "start", fontSize: 11 }),
    ],
  });
}

/** The symbol of a class; classes that share a colour have different ones. */
function symbolOf(kind: number): string {
  return symbols[(kind + Math.floor(kind / symbols.length)) % symbols.length]!;
}

/** The images of some numbers, in that order, as one PNG. */
async function picturesOf(images: ImageSet, order: readonly number[]): Promise<MarkPictures> {
  const { default: sharp } = await import("sharp");
  const share = Math.min(1, mostPixels / Math.max(images.width, images.height));
  const [width, height] = [images.width, images.height].map((side) =>
    Math.max(1, Math.round(share * side))
  ) as [number, number];
  const size = images.width * images.height * 3;
  const raw = { width: images.width, height: images.height, channels: 3 } as const;
  const columns = Math.ceil(Math.sqrt(order.length));
  const layers = await Promise.all(order.map(async (image, i) => {
    const picture = sharp(images.pixels.subarray(image * size, (image + 1) * size), { raw });
    const input = await picture.resize(width, height, { fit: "fill" }).png().toBuffer();
    return {
      input: Buffer.from(input),
      left: (i % columns) * width,
      top: Math.floor(i / columns) * height,
    };
  }));
  const rows = Math.ceil(order.length / columns);
  const canvas = {
    width: columns * width,
    height: rows * height,
    channels: 3,
    background: "white",
  } as const;
  const png = await sharp({ create: canvas }).composite(layers).png({ palette: true, dither: 1 })
    .toBuffer();
  return { png: new Uint8Array(png), columns, width, height };
}
