/**
 * Matching of detections to objects for one category in one image: COCO's greedy rule, as in
 * pycocotools.
 *
 * D detections, highest score first; G objects; T thresholds.
 */

/**
 * Overlaps from which a detection counts as correct: 0.5, 0.55, …, 0.95, with NumPy's rounding,
 * which decides ties.
 */
export const iouThresholds: readonly number[] = Array.from(
  { length: 10 },
  (_, i) => i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);

/** Sizes of objects by area in square pixels; both ends are included. */
export const sizeRanges = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

export type Size = keyof typeof sizeRanges;

/** Objects and detections of one category in one image. */
export interface Candidates {
  /** `[G]` */
  readonly objects: readonly { readonly area: number; readonly crowd: boolean }[];
  /** `[D]`, descending. */
  readonly scores: readonly number[];
  /** `[D]`, areas in square pixels. */
  readonly areas: readonly number[];
  /** `[D, G]` */
  readonly overlaps: Float64Array;
}

/** Results of the matching, for objects of one size. */
export interface Matches {
  /** `[D]` */
  readonly scores: readonly number[];
  /**
   * `[T, D]`: 1 is correct, 0 is wrong, −1 does not count. A detection does not count if it matches
   * an object that does not count, or if it matches none and has another size.
   */
  readonly verdicts: Int8Array;
  /** Number of objects to be found. */
  readonly objects: number;
}

/**
 * Lets each detection in turn take the object that it overlaps most, if the overlap reaches the
 * threshold and no other detection took the object.
 *
 * Objects of other sizes and crowds do not count. They are taken only if no other object can be;
 * crowds can be taken any number of times.
 *
 * Differs: an object whose id is 0 is matched like any other; pycocotools treats it as not found.
 */
export function matchDetections(candidates: Candidates, size: Size): Matches {
  const { objects, scores } = candidates;
  const outside = (area: number) => area < sizeRanges[size][0] || area > sizeRanges[size][1];
  const ignored = objects.map(({ area, crowd }) => crowd || outside(area));
  const order = [...objects.keys()].sort((a, b) => Number(ignored[a]) - Number(ignored[b]));
  const verdicts = new Int8Array(iouThresholds.length * scores.length);
  iouThresholds.forEach((threshold, t) => {
    const found = takeObjects(candidates, threshold, order, ignored);
    found.forEach((g, d) => {
      const counts = g < 0 ? !outside(candidates.areas[d]!) : !ignored[g];
      verdicts[t * scores.length + d] = counts ? (g < 0 ? 0 : 1) : -1;
    });
  });
  return { scores, verdicts, objects: ignored.filter((isIgnored) => !isIgnored).length };
}

/** `[D]`, index of the object that each detection takes; −1 for none. */
function takeObjects(
  { objects, scores, overlaps }: Candidates,
  threshold: number,
  order: readonly number[],
  ignored: readonly boolean[],
): number[] {
  const taken = objects.map(() => false);
  return scores.map((_, d) => {
    let best = -1;
    let least = threshold;
    for (const g of order) { // objects that count come first
      if (taken[g] && !objects[g]!.crowd) continue;
      if (best >= 0 && !ignored[best] && ignored[g]) break;
      const overlap = overlaps[d * objects.length + g]!;
      if (overlap < least) continue; // the last of equal ones
      [best, least] = [g, overlap];
    }
    if (best >= 0) taken[best] = true;
    return best;
  });
}
