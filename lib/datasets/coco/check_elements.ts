/**
 * Checks the elements of a COCO file, field by field. A field that other tools write in an unusual
 * but clear way is read, and counted. A field that is wrong, or could mean two things, is an error.
 */
import {
  type CocoAnnotation,
  type CocoCategory,
  type CocoImage,
  maskOf,
  type Segmentation,
} from "./coco_set.ts";
import { checkRle, checkSides, type CocoBox, type Rle, rleArea, rleBox } from "./rle.ts";
import { decompressRle } from "./rle_string.ts";

/**
 * Pixels by which a box may reach over the edge of its image without being clipped. Boxes of COCO
 * itself do, by rounding or the annotators' inaccuracy.
 */
const slack = 1;

/** The fields of an element, by name; their values are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Counts something that was read although it is unusual: `boxes clipped to their image`. */
export type Mend = (what: string) => void;

/** The images and categories that an annotation may refer to, by id. */
export interface Known {
  readonly images: ReadonlyMap<number, CocoImage>;
  readonly categories: ReadonlyMap<number, CocoCategory>;
}

/** An image whose sides may be missing from the file. */
export type DraftImage = Omit<CocoImage, "height" | "width"> & {
  readonly sides: Pick<CocoImage, "height" | "width"> | undefined;
};

/** An annotation whose id may be missing from the file. */
export type DraftAnnotation = Omit<CocoAnnotation, "id"> & { readonly id: number | undefined };

/**
 * Parses an element. Python writes `NaN` and `Infinity`, which are not JSON; both become null.
 *
 * @throws {Error} If the text is not a JSON object.
 */
export function readFields(text: string): Fields {
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`need an object, it is ${shown(value)}`);
}

const stringOrNoNumber = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const mended = text.replace(stringOrNoNumber, (all) => all.startsWith('"') ? all : "null");
    if (mended === text) throw error;
    return JSON.parse(mended);
  }
}

/**
 * Checks an image.
 *
 * @throws {Error} If a field is missing or invalid.
 */
export function checkImage(fields: Fields): DraftImage {
  const image = { id: integer(fields, "id"), fileName: text(fields, "file_name") };
  if (missing(fields["height"]) && missing(fields["width"])) return { ...image, sides: undefined };
  const sides = { height: integer(fields, "height"), width: integer(fields, "width") };
  checkSides(sides.height, sides.width);
  return { ...image, sides };
}

/**
 * Checks a category.
 *
 * @throws {Error} If a field is missing or invalid.
 */
export function checkCategory(fields: Fields): CocoCategory {
  return { id: integer(fields, "id"), name: text(fields, "name") };
}

/**
 * Checks an annotation.
 *
 * @throws {Error} If a field is missing or invalid, or refers to an unknown image or category.
 */
export function checkAnnotation(
  fields: Fields,
  { images, categories }: Known,
  mend: Mend,
): DraftAnnotation {
  const imageId = integer(fields, "image_id");
  const image = images.get(imageId);
  if (!image) throw new Error(`there is no image ${imageId}`);
  const categoryId = integer(fields, "category_id");
  if (!categories.has(categoryId)) throw new Error(`there is no category ${categoryId}`);
  const id = missing(fields["id"]) ? undefined : integer(fields, "id");
  const crowd = checkCrowd(fields["iscrowd"]);
  const ownBox = missing(fields["bbox"]) ? undefined : checkBox(fields["bbox"], image, mend);
  const segmentation = checkSegmentation(fields["segmentation"], ownBox, image, mend);
  const box = ownBox ?? boxAround(segmentation, image, mend);
  const area = missing(fields["area"])
    ? areaOf(segmentation, image, mend)
    : checkArea(fields["area"]);
  return { id, imageId, categoryId, box, area, crowd, segmentation };
}

function checkCrowd(value: unknown): boolean {
  if (missing(value)) return false;
  if ([0, false, "0"].includes(value as number)) return false;
  if ([1, true, "1"].includes(value as number)) return true;
  throw new Error(`iscrowd is ${shown(value)}, not 0 or 1`);
}

function checkArea(area: unknown): number {
  if (isFinite(area) && area >= 0) return area;
  throw new Error(`its area is ${shown(area)}`);
}

function areaOf(segmentation: Segmentation, image: CocoImage, mend: Mend): number {
  mend("areas computed from masks, where the file has none");
  return rleArea(maskOf({ segmentation }, image));
}

function checkBox(box: unknown, { id, height, width }: CocoImage, mend: Mend): CocoBox {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(isFinite)) {
    throw new Error(`its box is ${shown(box)}, not four numbers`);
  }
  const [x, y, w, h] = box as [number, number, number, number];
  if (w <= 0 || h <= 0) throw new Error(`its box is ${w} wide and ${h} high`);
  if (x >= -slack && y >= -slack && x + w <= width + slack && y + h <= height + slack) {
    return [x, y, w, h];
  }
  const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
  const [right, bottom] = [Math.min(x + w, width), Math.min(y + h, height)];
  if (right <= left || bottom <= top) {
    throw new Error(`its box ${shown(box)} lies outside of image ${id} (${width} × ${height})`);
  }
  mend("boxes clipped to their image");
  return [left, top, right - left, bottom - top];
}

function boxAround(segmentation: Segmentation, image: CocoImage, mend: Mend): CocoBox {
  const box = rleBox(maskOf({ segmentation }, image));
  if (box[2] <= 0 || box[3] <= 0) throw new Error("its box is missing, and its mask is empty");
  mend("boxes drawn around masks, where the file has none");
  return box;
}

/**
 * Checks a segmentation.
 *
 * @param box The object's box, which becomes its mask if the file has none.
 */
function checkSegmentation(
  value: unknown,
  box: CocoBox | undefined,
  image: CocoImage,
  mend: Mend,
): Segmentation {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return checkMask(value as Fields, image);
  }
  if (!missing(value) && !Array.isArray(value)) {
    throw new Error(`its segmentation is ${shown(value)}`);
  }
  const polygons = polygonsIn(value ?? []).map((points) => checkPolygon(points, image, mend))
    .filter((points) => {
      const hasArea = points.length >= 6;
      if (!hasArea) {
        mend("polygons left out for having fewer than three points; their objects stay");
      }
      return hasArea;
    });
  if (polygons.length > 0) return polygons;
  if (!box) throw new Error("it has neither a box nor a mask");
  mend("objects without a mask, whose box is taken as the mask");
  const [x, y, w, h] = box;
  return [[x, y, x + w, y, x + w, y + h, x, y + h]];
}

/** Returns a list of polygons. The list may also be a single polygon, and points may be pairs. */
function polygonsIn(list: unknown[]): unknown[] {
  if (list.length > 0 && list.every(isFinite)) return [list];
  const arePairs = (points: unknown) =>
    Array.isArray(points) && points.length > 0 &&
    points.every((point) => Array.isArray(point) && point.length === 2);
  return list.map((points) => arePairs(points) ? (points as unknown[]).flat() : points);
}

/** Checks a polygon, but not the number of its points. */
function checkPolygon(
  points: unknown,
  { id, height, width }: CocoImage,
  mend: Mend,
): number[] {
  if (!Array.isArray(points) || !points.every(isFinite)) {
    throw new Error(`a polygon is ${shown(points)}, not numbers`);
  }
  if (points.length >= 6 && points.length % 2 === 1) {
    throw new Error(`a polygon has ${points.length / 2} points: need an x and a y for each`);
  }
  // The parts outside of the image are cut off when the mask is made. A polygon that reaches
  // farther out than the image is long must belong to another image.
  const limit = [width, height] as const;
  const out = points.findIndex((value, i) => value < -limit[i % 2]! || value > 2 * limit[i % 2]!);
  const isOver = (value: number, i: number) => value < -slack || value > limit[i % 2]! + slack;
  if (out < 0) {
    if (points.some(isOver)) mend("polygons cut off at the edge of their image");
    return points;
  }
  throw new Error(
    `a polygon reaches ${out % 2 === 0 ? "x" : "y"} = ${
      points[out]
    }, far outside of image ${id} (${width} × ${height})`,
  );
}

function checkMask({ size, counts }: Fields, { id, height, width }: CocoImage): Rle {
  if (!Array.isArray(size) || size[0] !== height || size[1] !== width) {
    throw new Error(
      `its mask's size is ${shown(size)}, image ${id} is ${height} high, ${width} wide`,
    );
  }
  if (typeof counts === "string") return decompressRle({ size: [height, width], counts });
  if (!Array.isArray(counts) || !counts.every((run) => Number.isInteger(run) && run >= 0)) {
    throw new Error(`its mask's runs are ${shown(counts)}`);
  }
  return checkRle({ height, width, counts: Uint32Array.from(counts) });
}

/** Whether a field is not there, or is null. */
function missing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Reads a field that is an integer, or a text of digits. */
function integer(fields: Fields, name: string): number {
  const value = fields[name];
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number)) return number as number;
  throw new Error(`${name} is ${shown(value)}, not an integer`);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${name} is ${shown(value)}, not a text`);
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

/** Writes a value for a message, cut after 60 characters. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "missing";
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
