/** Boxes by their corners, the form that detectors compute with. N boxes. */
import type { CocoBox } from "lib/datasets/coco/rle.ts";

/** `[N, 4]`: left, top, right and bottom of each box, in pixels. */
export type Boxes = Float32Array;

/** Number of boxes, N. */
export function boxCount(boxes: Boxes): number {
  return boxes.length / 4;
}

/** Converts COCO's boxes (corner and sides) to two corners. */
export function toCorners(boxes: readonly CocoBox[]): Boxes {
  return Float32Array.from(boxes.flatMap(([x, y, width, height]) => [x, y, x + width, y + height]));
}

/** Box `index` in COCO's form. */
export function toCocoBox(boxes: Boxes, index: number): CocoBox {
  const [left, top, right, bottom] = boxes.subarray(4 * index, 4 * index + 4);
  return [left!, top!, right! - left!, bottom! - top!];
}

/** Copies the boxes at `indices`, in that order. */
export function selectBoxes(boxes: Boxes, indices: ArrayLike<number>): Boxes {
  const chosen = new Float32Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    chosen.set(boxes.subarray(4 * indices[i]!, 4 * indices[i]! + 4), 4 * i);
  }
  return chosen;
}

/** Cuts boxes at the edges of an image. */
export function clipBoxes(boxes: Boxes, height: number, width: number): Boxes {
  return boxes.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? width : height));
}

/** Area of a box in square pixels. */
export function boxArea(boxes: Boxes, i: number): number {
  return (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
}

/** Areas of all boxes in square pixels. */
export function boxAreas(boxes: Boxes): Float64Array {
  return Float64Array.from({ length: boxCount(boxes) }, (_, i) => boxArea(boxes, i));
}

/** Boxes with their {@linkcode boxAreas}, which are computed once. */
export interface MeasuredBoxes {
  readonly boxes: Boxes;
  readonly areas: Float64Array;
}

/**
 * Intersection over union of box `i` of `a` and box `j` of `b`, rounded as float32; 0 for boxes
 * without extent.
 */
export function boxIou(a: MeasuredBoxes, i: number, b: MeasuredBoxes, j: number): number {
  const from = 4 * i;
  const to = 4 * j;
  const width = Math.min(a.boxes[from + 2]!, b.boxes[to + 2]!) -
    Math.max(a.boxes[from]!, b.boxes[to]!);
  if (width <= 0) return 0; // as most pairs are
  const height = Math.min(a.boxes[from + 3]!, b.boxes[to + 3]!) -
    Math.max(a.boxes[from + 1]!, b.boxes[to + 1]!);
  if (height <= 0) return 0;
  const shared = width * height;
  return Math.fround(shared / (a.areas[i]! + b.areas[j]! - shared));
}

/**
 * Intersection over union of all pairs.
 *
 * @returns `[A, B]`, 0–1.
 */
export function pairwiseIou(a: Boxes, b: Boxes): Float32Array {
  const [rows, columns] = [boxCount(a), boxCount(b)];
  const [first, second] = [a, b].map((boxes) => ({ boxes, areas: boxAreas(boxes) }));
  const overlaps = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) overlaps[i * columns + j] = boxIou(first!, i, second!, j);
  }
  return overlaps;
}
