/** Boxes as detectors reckon with them: by their corners. N boxes. */
import type { CocoBox } from "lib/datasets/coco/rle.ts";

/** `[N, 4]`: left, top, right and bottom of each box, in pixels. */
export type Boxes = Float32Array;

/** N. */
export function boxCount(boxes: Boxes): number {
  return boxes.length / 4;
}

/** From COCO's corner and sides to two corners. */
export function toCorners(boxes: readonly CocoBox[]): Boxes {
  return Float32Array.from(boxes.flatMap(([x, y, width, height]) => [x, y, x + width, y + height]));
}

/** Box `index` as COCO writes it. */
export function toCocoBox(boxes: Boxes, index: number): CocoBox {
  const [left, top, right, bottom] = boxes.subarray(4 * index, 4 * index + 4);
  return [left!, top!, right! - left!, bottom! - top!];
}

/** The boxes at `indices`, in that order, copied. */
export function selectBoxes(boxes: Boxes, indices: ArrayLike<number>): Boxes {
  const chosen = new Float32Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    chosen.set(boxes.subarray(4 * indices[i]!, 4 * indices[i]! + 4), 4 * i);
  }
  return chosen;
}

/** Boxes cut at the edges of an image. */
export function clipBoxes(boxes: Boxes, height: number, width: number): Boxes {
  return boxes.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? width : height));
}

/** Intersection over union of box `i` of `a` and box `j` of `b`, rounded as float32; 0 of boxes without extent. */
export function boxIou(a: Boxes, i: number, b: Boxes, j: number): number {
  const width = Math.min(a[4 * i + 2]!, b[4 * j + 2]!) - Math.max(a[4 * i]!, b[4 * j]!);
  const height = Math.min(a[4 * i + 3]!, b[4 * j + 3]!) - Math.max(a[4 * i + 1]!, b[4 * j + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return Math.fround(shared / (boxArea(a, i) + boxArea(b, j) - shared));
}

/** In pixels. */
export function boxArea(boxes: Boxes, i: number): number {
  return (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
}

/** Overlaps of all pairs. @returns `[A, B]`, 0–1. */
export function pairwiseIou(a: Boxes, b: Boxes): Float32Array {
  const [rows, columns] = [boxCount(a), boxCount(b)];
  const overlaps = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) overlaps[i * columns + j] = boxIou(a, i, b, j);
  }
  return overlaps;
}
