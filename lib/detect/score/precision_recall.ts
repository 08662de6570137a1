/**
 * Precision and recall from the matches in many images, as pycocotools accumulates them.
 *
 * N detections, T thresholds.
 */
import { iouThresholds, type Matches } from "lib/detect/score/match_detections.ts";

/** Recalls at which precision is read: 0, 0.01, …, 1. */
export const recallLevels: readonly number[] = Array.from(
  { length: 101 },
  (_, i) => i === 100 ? 1 : i * 0.01,
);

/**
 * Precision at each recall: the highest reached at this recall or a higher one, 0 beyond the
 * highest recall reached.
 *
 * @param images Matches of one category in each image; the order of the images decides between
 *   equal scores.
 * @returns `[T, 101]`, fractions; `undefined` if there is no object to be found.
 */
export function precisionCurves(images: readonly Matches[]): Float64Array | undefined {
  const objects = countObjects(images);
  if (objects === 0) return undefined;
  const scores = images.flatMap(({ scores }) => scores);
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!); // the sort is stable
  const curves = new Float64Array(iouThresholds.length * recallLevels.length);
  iouThresholds.forEach((_, t) => {
    const verdicts = images.flatMap((image) => [...verdictsAt(image, t)]);
    const curve = precisionCurve(order.map((d) => verdicts[d]!), objects);
    curves.set(curve, t * recallLevels.length);
  });
  return curves;
}

/** Precision `[101]` of a list of correct and wrong detections, highest score first. */
function precisionCurve(verdicts: readonly number[], objects: number): Float64Array {
  let [right, wrong] = [0, 0];
  const recalls: number[] = [];
  const precisions: number[] = [];
  for (const verdict of verdicts) {
    if (verdict === 1) right++;
    else if (verdict === 0) wrong++;
    recalls.push(right / objects);
    precisions.push(right / (wrong + right + Number.EPSILON));
  }
  for (let d = precisions.length - 1; d > 0; d--) {
    precisions[d - 1] = Math.max(precisions[d - 1]!, precisions[d]!);
  }
  let d = 0;
  return Float64Array.from(recallLevels, (level) => {
    while (d < recalls.length && recalls[d]! < level) d++;
    return precisions[d] ?? 0;
  });
}

/**
 * The share of the objects that are found.
 *
 * @param most Number of detections per image that count, those with the highest scores.
 * @returns `[T]`; `undefined` if there is no object to be found.
 */
export function recalls(images: readonly Matches[], most: number): number[] | undefined {
  const objects = countObjects(images);
  if (objects === 0) return undefined;
  return iouThresholds.map((_, t) => {
    let right = 0;
    for (const image of images) {
      for (const verdict of verdictsAt(image, t).subarray(0, most)) if (verdict === 1) right++;
    }
    return right / objects;
  });
}

/** Number of objects to be found in all images. */
export function countObjects(images: readonly Matches[]): number {
  return images.reduce((sum, { objects }) => sum + objects, 0);
}

function verdictsAt({ verdicts, scores }: Matches, threshold: number): Int8Array {
  return verdicts.subarray(threshold * scores.length, (threshold + 1) * scores.length);
}
