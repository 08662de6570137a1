/** Non-maximum suppression: of boxes that overlap, the surest. N boxes. */
import { boxAreas, type Boxes, boxIou, selectBoxes } from "lib/detect/boxes/boxes.ts";

export interface NmsOptions {
  /** Of two boxes that overlap by more, the less sure is dropped. */
  readonly iou: number;
  /** `[N]`: boxes of different groups (classes, or levels of a pyramid) do not drop each other. By default, all are one. */
  readonly groups?: ArrayLike<number>;
  /** Stop after so many are kept. */
  readonly most?: number;
}

/**
 * Keeps the surest box, drops those that it covers, goes on with the surest of the rest.
 *
 * @param scores `[N]`; of equals the first is surer.
 * @returns Indices of the boxes kept, surest first.
 */
export function nonMaximumSuppression(
  boxes: Boxes,
  scores: ArrayLike<number>,
  { iou, groups, most = Infinity }: NmsOptions,
): number[] {
  const order = Array.from({ length: scores.length }, (_, i) => i)
    .sort((a, b) => scores[b]! - scores[a]!); // stable
  const chosen = selectBoxes(boxes, order);
  const sorted = { boxes: chosen, areas: boxAreas(chosen) };
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
