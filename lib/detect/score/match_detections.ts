/**
 * Which detections of one category in one image find which objects: COCO's greedy rule, as in pycocotools.
 *
 * D detections, surest first; G objects; T thresholds.
 */

/** The overlaps from which a detection counts as right: 0.5, 0.55, …, 0.95; with NumPy's rounding, which decides ties. */
export const iouThresholds: readonly number[] = Array.from(
  { length: 10 },
  (_, i) => i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);

/** Sizes of objects, by area in pixels; both ends are in. */
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
  /** `[D]`, falling. */
  readonly scores: readonly number[];
  /** `[D]`, areas in pixels. */
  readonly areas: readonly number[];
  /** `[D, G]` */
  readonly overlaps: Float64Array;
}

/** What became of them, for objects of one size. */
export interface Matches {
  /** `[D]` */
  readonly scores: readonly number[];
  /** `[T, D]`: 1 is right, 0 is wrong, −1 does not count: it found an object that does not, or none and has another size. */
  readonly verdicts: Int8Array;
  /** How many objects there are to be found. */
  readonly objects: number;
}

/**
 * Each detection in turn takes the object that it overlaps most, at least by the threshold and not taken before. Objects of
 * other sizes and crowds do not count; they are taken only where no other object can be, crowds any number of times.
 *
 * Differs: an object whose id is 0 is found like any other; pycocotools takes it for not found.
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

/** `[D]`, the object that each detection takes; −1 for none. */
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
    for (const g of order) { // those that count come first
      if (taken[g] && !objects[g]!.crowd) continue;
      if (best >= 0 && !ignored[best] && ignored[g]) break;
      const overlap = overlaps[d * objects.length + g]!;
      if (overlap < least) continue; // of equals the last
      [best, least] = [g, overlap];
    }
    if (best >= 0) taken[best] = true;
    return best;
  });
}
