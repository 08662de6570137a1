/**
 * Images, boxes and masks for tests of detectors. Python makes the same ones: see
 * `lib/detect/network/golden/make_mask_rcnn.py`.
 */
import { maskOverlaps } from "lib/datasets/coco/overlap.ts";
import { rleArea } from "lib/datasets/coco/rle.ts";
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import type { Detection } from "lib/detect/inference/detection.ts";
import type { DetectionTargets, ImageSize } from "lib/detect/boxes/targets.ts";
import { assertClose, assertEquals, assertTrue } from "./assert.ts";
import { formula } from "./formula.ts";
import type { Rng } from "lib/rng.ts";
import * as tf from "lib/tf.ts";

/** A tensor as Python writes it: values at evenly spread flat indices. */
export interface GoldenSample {
  readonly shape: number[];
  readonly rms: number;
  readonly values: number[];
}

/**
 * Fails unless a tensor has the shape, the root mean square and the values of a sample; `tolerance`
 * is relative to the largest value.
 */
export function assertSample(
  actual: tf.Tensor,
  { shape, rms, values }: GoldenSample,
  tolerance: number,
): void {
  assertEquals(actual.shape, shape);
  const flat = actual.dataSync<"float32">();
  const rmsOfActual = Math.sqrt(flat.reduce((sum, v) => sum + v * v, 0) / flat.length);
  assertClose(rmsOfActual, rms, tolerance);
  const sample = values.map((_, i) => flat[Math.floor(i * flat.length / values.length)]!);
  assertClose(sample, values, tolerance);
}

/** Random boxes of all sizes in and around an image of `[height, width]`, some without extent. */
export function boxesAround(
  count: number,
  [height, width]: readonly [number, number],
  rng: Rng,
): Boxes {
  return Float32Array.from(
    Array.from({ length: count }, (_, i) => {
      const [x, y] = [rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height];
      const [w, h] = [i % 5 === 0 ? 0 : rng.uniform(0, 0.8) * width, rng.uniform(0, 0.8) * height];
      return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    }).flat(),
  );
}

/** Makes `count` boxes inside an image, by formula. */
export function boxesWithin(name: string, count: number, { height, width }: ImageSize): Boxes {
  const u = formula(name, 4 * count);
  return Float32Array.from({ length: 4 * count }, (_, i) => {
    const at = 4 * Math.floor(i / 4) + i % 2;
    const length = i % 2 === 0 ? width : height;
    const side = (0.35 + 0.25 * u[at + 2]!) * length;
    const start = (0.5 + 0.5 * u[at]!) * (length - side);
    return i % 4 < 2 ? start : start + side;
  });
}

/**
 * Makes a bitmap of the whole image for each box: 1 inside the ellipse that fills the box, 0
 * elsewhere.
 */
export function ellipses(boxes: Boxes, { height, width }: ImageSize): Uint8Array[] {
  return Array.from({ length: boxes.length / 4 }, (_, i) => {
    const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4) as unknown as number[];
    return Uint8Array.from({ length: height * width }, (_, at) => {
      const [x, y] = [at % width + 0.5, Math.floor(at / width) + 0.5];
      const u = (2 * x - left! - right!) / (right! - left!);
      const v = (2 * y - top! - bottom!) / (bottom! - top!);
      return u * u + v * v < 1 ? 1 : 0;
    });
  });
}

/** Makes the objects of one image; their labels count up from `firstLabel`. */
export function targetsWithin(
  name: string,
  count: number,
  firstLabel: number,
  size: ImageSize,
): DetectionTargets {
  const boxes = boxesWithin(name, count, size);
  const labels = Int32Array.from({ length: count }, (_, i) => firstLabel + i);
  return { ...size, boxes, labels, masks: ellipses(boxes, size) };
}

/**
 * Makes images by formula and puts them into one batch `[B, H, W, 3]` of the largest height and
 * width: each image at the top left, zeros elsewhere.
 */
export function paddedImages(sizes: readonly ImageSize[]): tf.Tensor4D {
  const height = Math.max(...sizes.map((size) => size.height));
  const width = Math.max(...sizes.map((size) => size.width));
  const values = formula("image", sizes.length * height * width * 3);
  const padded = values.map((value, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width) % height];
    const size = sizes[Math.floor(i / 3 / width / height)]!;
    return x < size.width && y < size.height ? value : 0;
  });
  return tf.tensor4d(padded, [sizes.length, height, width, 3]);
}

/** The detections of torchvision in one image, in order of descending score. */
export interface GoldenDetections {
  /** Left, top, right and bottom in pixels. */
  readonly boxes: readonly (readonly [number, number, number, number])[];
  readonly labels: readonly number[];
  readonly scores: readonly number[];
  /** Run lengths down the columns, background first. */
  readonly masks: readonly (readonly number[])[];
}

/**
 * Fails unless both have the same boxes, scores and masks in the same order, each within its
 * tolerance.
 */
export function assertDetections(
  actual: readonly Detection[],
  { boxes, scores, masks }: GoldenDetections,
  { height, width }: ImageSize,
  within: { readonly box: number; readonly score: number; readonly maskIou: number },
): void {
  assertEquals(actual.length, boxes.length);
  actual.forEach(({ box: [x, y, w, h], score, mask }, i) => {
    const off = [x, y, x + w, y + h].map((edge, side) => Math.abs(edge - boxes[i]![side]!));
    const expected = { height, width, counts: Uint32Array.from(masks[i]!) };
    const [iou] = rleArea(expected) === 0 && rleArea(mask!) === 0
      ? [1]
      : maskOverlaps([mask!], [expected], [false]);
    const close = Math.max(...off) <= within.box &&
      Math.abs(score - scores[i]!) <= within.score && iou! >= within.maskIou;
    assertTrue(
      close,
      `object ${i}: edges are off by ${off}, score ${score} for ${
        scores[i]
      }, masks overlap by ${iou}`,
    );
  });
}
