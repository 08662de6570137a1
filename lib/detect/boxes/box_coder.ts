/**
 * Boxes encoded as differences from other boxes, which is what networks learn (Girshick et al.
 * 2014, appendix C): the offset of the centres divided by the box's side, and the logarithm of the
 * ratio of the sides.
 */
import { boxCount, type Boxes } from "lib/detect/boxes/boxes.ts";

/** Factors of the four differences, which bring them to similar standard deviations. */
export type CoderWeights = readonly [x: number, y: number, width: number, height: number];

/** Factors for proposals relative to anchors. */
export const proposalWeights: CoderWeights = [1, 1, 1, 1];

/** Factors for boxes relative to proposals. */
export const boxWeights: CoderWeights = [10, 10, 5, 5];

// logarithm of a ratio of sides: only an untrained network exceeds it, and it would overflow
const mostGrowth = Math.log(1000 / 16);

/**
 * Encodes the differences that turn `from` into `to`.
 *
 * @param from `[N, 4]`, with positive sides, as those of `to`.
 * @returns `[N, 4]`
 */
export function encodeBoxes(from: Boxes, to: Boxes, weights: CoderWeights): Float32Array {
  const deltas = new Float32Array(from.length);
  for (let i = 0; i < from.length; i += 4) {
    for (const axis of [0, 1] as const) {
      const [centre, side] = span(from, i + axis);
      const [centreTo, sideTo] = span(to, i + axis);
      deltas[i + axis] = weights[axis] * (centreTo - centre) / side;
      deltas[i + axis + 2] = weights[axis + 2]! * Math.log(sideTo / side);
    }
  }
  return deltas;
}

/**
 * Applies differences to the boxes `from`.
 *
 * @param from `[N, 4]`
 * @param deltas `[N, K · 4]`, for K classes.
 * @returns `[N · K, 4]`: for each of the N boxes, its K results.
 */
export function decodeBoxes(from: Boxes, deltas: Float32Array, weights: CoderWeights): Boxes {
  const classes = deltas.length / from.length;
  const boxes = new Float32Array(deltas.length);
  for (let n = 0; n < boxCount(from); n++) {
    for (const axis of [0, 1] as const) {
      const [centre, side] = span(from, 4 * n + axis);
      for (let k = 0; k < classes; k++) {
        const at = 4 * (n * classes + k) + axis;
        const middle = centre + deltas[at]! / weights[axis] * side;
        const half = 0.5 * side *
          Math.exp(Math.min(deltas[at + 2]! / weights[axis + 2]!, mostGrowth));
        boxes[at] = middle - half;
        boxes[at + 2] = middle + half;
      }
    }
  }
  return boxes;
}

/** Centre and length of a box along one axis. */
function span(boxes: Boxes, at: number): [centre: number, length: number] {
  const length = boxes[at + 2]! - boxes[at]!;
  return [boxes[at]! + 0.5 * length, length];
}
