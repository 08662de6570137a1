/**
 * Non-maximum suppression: among overlapping boxes, only the one with the highest score stays. N
 * boxes.
 */
import { boxAreas, type Boxes, boxIou, selectBoxes } from "lib/detect/boxes/boxes.ts";

export interface NmsOptions {
  /** If two boxes overlap by more, the one with the lower score is dropped. */
  readonly iou: number;
  /**
   * `[N]`: boxes of different groups (classes, or levels of a pyramid) do not drop each other. By
   * default, all are in one group.
   */
  readonly groups?: ArrayLike<number>;
  /** Stop when this many boxes are kept. */
  readonly most?: number;
}

/**
 * Keeps the box with the highest score, drops those that overlap it too much, and continues with
 * the rest.
 *
 * @param scores `[N]`; the first of equal ones ranks higher.
 * @returns Indices of the boxes kept, highest score first.
 */
export function nonMaximumSuppression(
  boxes: Boxes,
  scores: ArrayLike<number>,
  { iou, groups, most = Infinity }: NmsOptions,
): number[] {
  const order = Array.from({ length: scores.length }, (_, i) => i)
    .sort((a, b) => scores[b]! - scores[a]!); // the sort is stable
  const sortedBoxes = selectBoxes(boxes, order);
  const sorted = { boxes: sortedBoxes, areas: boxAreas(sortedBoxes) };
  const threshold = Math.fround(iou);
  const dropped = new Uint8Array(order.length);
  const kept: number[] = [];
  for (let i = 0; i < order.length && kept.length < most; i++) {
    if (dropped[i]) continue;
    kept.push(order[i]!);
    for (let j = i + 1; j < order.length; j++) {
      if (dropped[j] || groups && groups[order[i]!] !== groups[order[j]!]) continue;
      if (boxIou(sorted, i, sorted, j) > threshold) dropped[j] = 1;
    }
  }
  return kept;
}
