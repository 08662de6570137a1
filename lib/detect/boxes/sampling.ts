/**
 * Sampling: which of an image's boxes a loss uses. Most boxes are background, and would outweigh
 * the objects. N boxes.
 */
import type { SampleConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { background } from "lib/detect/boxes/match_boxes.ts";
import type { Rng } from "lib/rng.ts";

/** Indices of the boxes drawn, ascending. */
export interface BalancedSample {
  readonly objects: Int32Array;
  readonly background: Int32Array;
}

/**
 * Draws objects up to their share of `count`, and fills up with background.
 *
 * @param matches `[N]`, as `matchBoxes` returns them; boxes matched to nothing are not drawn.
 */
export function sampleMatches(
  matches: Int32Array,
  { count, objectFraction }: SampleConfig,
  rng: Rng,
): BalancedSample {
  const objects = indicesWhere(matches, (match) => match >= 0);
  const rest = indicesWhere(matches, (match) => match === background);
  const objectSample = draw(objects, Math.floor(count * objectFraction), rng.fork("objects"));
  return {
    objects: objectSample,
    background: draw(rest, count - objectSample.length, rng.fork("background")),
  };
}

function indicesWhere(matches: Int32Array, accepts: (match: number) => boolean): Int32Array {
  const indices: number[] = [];
  matches.forEach((match, i) => accepts(match) && indices.push(i));
  return Int32Array.from(indices);
}

/** Draws `most` of them at random, or all if there are not more. */
function draw(from: Int32Array, most: number, rng: Rng): Int32Array {
  if (from.length <= most) return from;
  const order = rng.permutation(from.length).subarray(0, most);
  return Int32Array.from(order, (i) => from[i]!).sort();
}
