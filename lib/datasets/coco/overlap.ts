/**
 * Overlaps of detections and objects, equal to pycocotools' to the last bit: intersection over
 * union. For a crowd it is the intersection over the area of the detection, since a detection of
 * any part of a crowd counts. D detections, G objects.
 */
import { type CocoBox, type Rle, rleArea, rleBox, walkTogether } from "./rle.ts";

/**
 * Computes the overlaps of boxes.
 *
 * @param crowd `[G]`
 * @returns `[D, G]`, 0–1.
 */
export function boxOverlaps(
  detections: readonly CocoBox[],
  objects: readonly CocoBox[],
  crowd: readonly boolean[],
): Float64Array {
  const overlaps = new Float64Array(detections.length * objects.length);
  detections.forEach((d, i) =>
    objects.forEach((g, j) => {
      const width = Math.min(d[2] + d[0], g[2] + g[0]) - Math.max(d[0], g[0]);
      const height = Math.min(d[3] + d[1], g[3] + g[1]) - Math.max(d[1], g[1]);
      if (width <= 0 || height <= 0) return;
      const shared = width * height;
      const area = d[2] * d[3];
      overlaps[i * objects.length + j] = shared / (crowd[j] ? area : area + g[2] * g[3] - shared);
    })
  );
  return overlaps;
}

/**
 * Computes the overlaps of masks.
 *
 * @param crowd `[G]`
 * @returns `[D, G]`, 0–1.
 * @throws {RangeError} If masks whose boxes overlap differ in size.
 */
export function maskOverlaps(
  detections: readonly Rle[],
  objects: readonly Rle[],
  crowd: readonly boolean[],
): Float64Array {
  const overlaps = boxOverlaps(detections.map(rleBox), objects.map(rleBox), crowd);
  detections.forEach((d, i) =>
    objects.forEach((g, j) => {
      const at = i * objects.length + j;
      if (overlaps[at] === 0) return; // the boxes do not touch
      const [shared, either] = countShared(d, g);
      overlaps[at] = shared === 0 ? 0 : shared / (crowd[j] ? rleArea(d) : either);
    })
  );
  return overlaps;
}

/** Counts the pixels of the intersection and of the union of two masks. */
function countShared(a: Rle, b: Rle): [both: number, either: number] {
  let [both, either] = [0, 0];
  walkTogether(a, b, (length, inA, inB) => {
    if (inA && inB) both += length;
    if (inA || inB) either += length;
  });
  return [both, either];
}
