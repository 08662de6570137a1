/** Matching: which object each anchor or proposal learns. G objects, N boxes. */
import { boxCount, type Boxes, pairwiseIou } from "lib/detect/boxes/boxes.ts";

/** Match of a box that is no object: it learns the background, or (`between`) nothing. */
export const background = -1;
export const between = -2;

/** Overlaps (IoU, 0 to 1) that decide which object a box learns. */
export interface MatchRule {
  /** A box that overlaps an object at least this much learns it. */
  readonly high: number;
  /** A box that overlaps no object this much is background. */
  readonly low: number;
  /**
   * Whether each object is also learned by the boxes that overlap it most, however little that is.
   */
  readonly allowLowQuality: boolean;
}

/**
 * Matches boxes to objects as torchvision's `Matcher`.
 *
 * A box that is the best one for an object, but itself overlaps another object more, learns that
 * other.
 *
 * @param objects `[G, 4]`; without objects, all boxes are background.
 * @returns `[N]`, an object's index, {@linkcode background} or {@linkcode between}.
 */
export function matchBoxes(objects: Boxes, boxes: Boxes, rule: MatchRule): Int32Array {
  const [G, N] = [boxCount(objects), boxCount(boxes)];
  const overlaps = pairwiseIou(objects, boxes); // [G, N]
  const nearest = new Int32Array(N);
  const most = new Float32Array(N).fill(G === 0 ? 0 : -1);
  for (let g = 0; g < G; g++) {
    for (let n = 0; n < N; n++) {
      if (overlaps[g * N + n]! <= most[n]!) continue; // the first of equal ones
      [most[n], nearest[n]] = [overlaps[g * N + n]!, g];
    }
  }
  const [high, low] = [Math.fround(rule.high), Math.fround(rule.low)];
  const matches = nearest.map((g, n) => {
    if (G === 0 || most[n]! < low) return background;
    return most[n]! < high ? between : g;
  });
  if (rule.allowLowQuality) matchBest(overlaps, G, nearest, matches);
  return matches;
}

/**
 * Matches the boxes that overlap an object most (all of several equal ones) to the object nearest
 * to them.
 */
function matchBest(
  overlaps: Float32Array,
  G: number,
  nearest: Int32Array,
  matches: Int32Array,
): void {
  for (let g = 0; g < G; g++) {
    const row = overlaps.subarray(g * nearest.length, (g + 1) * nearest.length);
    let best = 0;
    for (let n = 0; n < row.length; n++) if (row[n]! > best) best = row[n]!;
    for (let n = 0; n < row.length; n++) if (row[n] === best) matches[n] = nearest[n]!;
  }
}
