/** Detections, and the JSON in which COCO's tools read them. */
import type { CocoSet } from "lib/datasets/coco/coco_set.ts";
import { type CocoBox, type Rle, rleArea } from "lib/datasets/coco/rle.ts";
import { compressRle } from "lib/datasets/coco/rle_string.ts";

/** One object that a detector found. */
export interface Detection {
  readonly imageId: number;
  readonly categoryId: number;
  /** Confidence; only the order of scores matters. */
  readonly score: number;
  readonly box: CocoBox;
  /** Mask of the image's size; detectors without masks have none. */
  readonly mask?: Rle;
}

/** What is compared with the annotations: boxes or masks. */
export type Region = "box" | "mask";

/**
 * Area of a detection in square pixels.
 *
 * @throws {TypeError} If masks are measured and it has none.
 */
export function areaOf(detection: Detection, region: Region): number {
  return region === "box" ? detection.box[2] * detection.box[3] : rleArea(requireMask(detection));
}

/**
 * The mask of a detection.
 *
 * @throws {TypeError} If it has none.
 */
export function requireMask({ mask, imageId, categoryId }: Detection): Rle {
  if (mask) return mask;
  throw new TypeError(
    `Cannot measure masks: a detection of category ${categoryId} in image ${imageId} has none`,
  );
}

/**
 * Results in the form that `COCO.loadRes` of pycocotools reads, for an evaluation of `bbox` or of
 * `segm`.
 *
 * Masks stand without boxes: with a box, pycocotools would use the box's area for the mask, and
 * sort it among the wrong sizes.
 *
 * @returns JSON, one detection per line.
 * @throws {TypeError} If masks are asked for, and a detection has none.
 */
export function resultsJson(detections: readonly Detection[], region: Region): string {
  const lines = detections.map((detection) => {
    const { imageId, categoryId, score, box } = detection;
    const found = { image_id: imageId, category_id: categoryId, score };
    return JSON.stringify(
      region === "box"
        ? { ...found, bbox: box }
        : { ...found, segmentation: compressRle(requireMask(detection)) },
    );
  });
  return `[\n${lines.join(",\n")}\n]\n`;
}

/**
 * Checks that detections can be measured.
 *
 * @throws {RangeError} If an image or category is not in the set, or a number is not finite.
 */
export function checkDetections(set: CocoSet, detections: readonly Detection[]): void {
  const images = new Set(set.images.map(({ id }) => id));
  const categories = new Set(set.categories.map(({ id }) => id));
  for (const { imageId, categoryId, score, box } of detections) {
    if (images.has(imageId) && categories.has(categoryId) && [score, ...box].every(isFinite)) {
      continue;
    }
    throw new RangeError(
      `Cannot measure a detection of image ${imageId}, category ${categoryId}, score ${score}, box ${box}: ` +
        `"${set.name}" has ${images.has(imageId) ? "" : "no such image, "}${
          categories.has(categoryId) ? "" : "no such category, "
        }and numbers must be finite`,
    );
  }
}
