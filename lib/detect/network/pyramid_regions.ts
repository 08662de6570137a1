/**
 * Regions cut out of a pyramid: each from the map on which it has about the usual size (Lin et al.
 * 2017, Eq. 1).
 *
 * B images, D channels, R regions of all images, S × S pixels of a region.
 */
import * as tf from "lib/tf.ts";
import { boxArea, boxCount, type Boxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { RegionConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { roiAlign } from "lib/detect/boxes/roi_align.ts";

const [first, usual] = [2, 4]; // the pyramid's maps are P2, P3, …; a usual region belongs to P4

/**
 * Cuts out regions.
 *
 * @param maps P2 to P6, each `[B, H, W, D]`; the last is only for proposals.
 * @param regions For each image its boxes `[., 4]`, in image pixels.
 * @param size S.
 * @param options.stride Pixels of the image per position of P2; each map halves the one before.
 * @returns `[R, S, S, D]`, image by image; the caller owns it.
 */
export function cutRegions(
  maps: readonly tf.Tensor4D[],
  regions: readonly Boxes[],
  size: number,
  { samplingRatio, aligned, canonicalSize, stride }: RegionConfig & { readonly stride: number },
): tf.Tensor4D {
  const levels = maps.slice(0, -1);
  const levelOf = regions.map((boxes) => regionLevels(boxes, canonicalSize, levels.length));
  return tf.tidy(() => {
    const cut = levels.map((map, level) => {
      const here = regions.map((boxes, b) => selectBoxes(boxes, indicesOf(level, levelOf[b]!)));
      const scale = 1 / (stride * 2 ** level);
      return roiAlign(map, here, { size, scale, samplingRatio, aligned });
    });
    const order = levels.flatMap((_, level) => indicesOf(level, levelOf.flatMap((l) => [...l])));
    return reorder(tf.concat(cut, 0), order);
  });
}

/**
 * The map that each region is cut out of.
 *
 * @returns `[N]`, 0 is P2.
 */
export function regionLevels(boxes: Boxes, canonicalSize: number, levels: number): Int32Array {
  return Int32Array.from({ length: boxCount(boxes) }, (_, i) => {
    const side = Math.sqrt(boxArea(boxes, i));
    const level = Math.floor(usual + Math.log2(side / canonicalSize) + 1e-6) - first;
    return Math.min(Math.max(level, 0), levels - 1);
  });
}

function indicesOf(level: number, levels: ArrayLike<number>): number[] {
  return Array.from({ length: levels.length }, (_, i) => i).filter((i) => levels[i] === level);
}

/**
 * Moves row `i` to row `order[i]`. Its gradient is one gather; tfjs's own would add up segments.
 */
function reorder(x: tf.Tensor4D, order: readonly number[]): tf.Tensor4D {
  const from = new Int32Array(order.length);
  order.forEach((to, i) => from[to] = i);
  const rows = (values: ArrayLike<number>) => tf.tensor1d(Int32Array.from(values), "int32");
  const op = tf.customGrad((x) => ({
    value: tf.gather(x as tf.Tensor, rows(from)),
    gradFunc: (dy: tf.Tensor) => tf.gather(dy, rows(order)),
  }));
  return op(x) as tf.Tensor4D;
}
