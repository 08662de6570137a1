/** From what a COCO file says to what can be used: every field is checked, and what is wrong said in words. */
import type {
  CocoAnnotation,
  CocoCategory,
  CocoImage,
  Segmentation,
} from "lib/datasets/coco/coco_set.ts";
import { checkRle, checkSides, type CocoBox, type Rle } from "lib/datasets/coco/rle.ts";
import { decompressRle } from "lib/datasets/coco/rle_string.ts";

const slack = 1; // pixels that boxes and polygons may reach over the edge: annotators' hands, and rounding

/** A field's name to whatever it holds. */
type Fields = Readonly<Record<string, unknown>>;

/** What an annotation may refer to. */
export interface Known {
  readonly images: ReadonlyMap<number, CocoImage>;
  readonly categories: ReadonlyMap<number, CocoCategory>;
}

/** The fields of an element. @throws {Error} If it is no JSON object. */
export function readFields(text: string): Fields {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`need an object, it is ${shown(value)}`);
}

/** @throws {Error} If a field is missing or cannot be. */
export function checkImage(fields: Fields): CocoImage {
  const image = {
    id: integer(fields, "id"),
    fileName: text(fields, "file_name"),
    height: integer(fields, "height"),
    width: integer(fields, "width"),
  };
  checkSides(image.height, image.width);
  return image;
}

/** @throws {Error} If a field is missing or cannot be. */
export function checkCategory(fields: Fields): CocoCategory {
  return { id: integer(fields, "id"), name: text(fields, "name") };
}

/** @throws {Error} If a field is missing or cannot be, or refers to what is not there. */
export function checkAnnotation(fields: Fields, { images, categories }: Known): CocoAnnotation {
  const imageId = integer(fields, "image_id");
  const image = images.get(imageId);
  if (!image) throw new Error(`there is no image ${imageId}`);
  const categoryId = integer(fields, "category_id");
  if (!categories.has(categoryId)) throw new Error(`there is no category ${categoryId}`);
  const { iscrowd = 0, area } = fields;
  if (iscrowd !== 0 && iscrowd !== 1) throw new Error(`iscrowd is ${shown(iscrowd)}, not 0 or 1`);
  if (!isFinite(area) || area < 0) throw new Error(`its area is ${shown(area)}`);
  return {
    id: integer(fields, "id"),
    imageId,
    categoryId,
    box: checkBox(fields["bbox"], image),
    area,
    crowd: iscrowd === 1,
    segmentation: checkSegmentation(fields["segmentation"], image),
  };
}

function checkBox(box: unknown, { id, height, width }: CocoImage): CocoBox {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(isFinite)) {
    throw new Error(`its box is ${shown(box)}, not four numbers`);
  }
  const [x, y, w, h] = box as [number, number, number, number];
  if (w <= 0 || h <= 0) throw new Error(`its box is ${w} wide and ${h} high`);
  if (x >= -slack && y >= -slack && x + w <= width + slack && y + h <= height + slack) {
    return [x, y, w, h];
  }
  throw new Error(`its box ${shown(box)} lies outside of image ${id} (${width} × ${height})`);
}

function checkSegmentation(value: unknown, image: CocoImage): Segmentation {
  if (Array.isArray(value)) {
    if (value.length === 0) throw new Error("it has no polygon");
    return value.map((points) => checkPolygon(points, image));
  }
  if (typeof value === "object" && value !== null) return checkMask(value as Fields, image);
  throw new Error(`its segmentation is ${shown(value)}`);
}

function checkPolygon(points: unknown, { id, height, width }: CocoImage): number[] {
  if (!Array.isArray(points) || !points.every(isFinite)) {
    throw new Error(`a polygon is ${shown(points)}, not numbers`);
  }
  if (points.length < 6 || points.length % 2 === 1) {
    throw new Error(`a polygon has ${points.length / 2} points: need three or more`);
  }
  const limit = [width + slack, height + slack] as const;
  const out = points.findIndex((value, i) => value < -slack || value > limit[i % 2]!);
  if (out < 0) return points;
  throw new Error(
    `a polygon reaches ${out % 2 === 0 ? "x" : "y"} = ${
      points[out]
    }, outside of image ${id} (${width} × ${height})`,
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

function integer(fields: Fields, name: string): number {
  const value = fields[name];
  if (Number.isSafeInteger(value)) return value as number;
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

/** A value for a message, not at length. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "missing";
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
