/**
 * Scores for how well a heat map finds the object, where a mask tells which pixels show it. All
 * scores are fractions. A uniform map, or a map of zeros, scores what the size of the object alone
 * gives.
 */
import type { Heatmap } from "lib/explain/heatmap.ts";

/** The default threshold: a pixel is hot from this share of the highest value on. */
export const hotThreshold = 0.5;

/** From this alpha on (0–255) a pixel shows the object. */
const objectAlpha = 128;

/** The scores of one map. */
export interface CamScores {
  /**
   * The pointing game (Zhang et al. 2018): 1 if the highest pixel is on the object, else 0; if
   * several are equally high, the share of them on the object. The original also counts pixels up
   * to 15 away from the object, this one does not.
   */
  readonly pointing: number;
  /** Intersection over union of the hot pixels and the object. */
  readonly iou: number;
  /**
   * The energy-based pointing game (Wang et al. 2020): the share of the map's sum that lies on the
   * object.
   */
  readonly energy: number;
  /** The share of the object that is hot. */
  readonly covered: number;
  /** The share of the image that is hot, which the paper sees grow with the kernels (§5.1). */
  readonly hotArea: number;
  /**
   * The object's share of the image: the value that the first three scores have for a uniform map.
   */
  readonly objectArea: number;
}

/**
 * The scores of a heat map.
 *
 * @param mask `[H, W]`, 0–255: how much of each pixel the object covers; from 128 on the pixel
 *   shows the object.
 * @param options.threshold A pixel is hot from this share of the map's highest value on.
 * @throws {TypeError} If map and mask differ in size.
 * @throws {RangeError} If the mask shows no object, or the threshold is not above 0 and at most 1.
 */
export function camScores(
  heatmap: Heatmap,
  mask: Uint8Array,
  { threshold = hotThreshold }: { readonly threshold?: number } = {},
): CamScores {
  const { height, width, values } = heatmap;
  if (mask.length !== values.length) {
    throw new TypeError(
      `Cannot score a map of ${height}×${width} pixels by a mask of ${mask.length}: need one of the same image, at its size`,
    );
  }
  const hot = isHot(heatmap, threshold);
  const object = Array.from(mask, (alpha) => alpha >= objectAlpha);
  const highest = values.reduce((max, value) => Math.max(max, value), 0);
  const count = (holds: (p: number) => boolean) =>
    object.reduce((n, _, p) => n + Number(holds(p)), 0);
  const objectPixels = count((p) => object[p]!);
  if (objectPixels === 0) {
    throw new RangeError("Cannot score a map: the mask shows no object; leave this image out");
  }
  const isHighest = (p: number) => values[p] === highest;
  const both = count((p) => hot[p]! && object[p]!);
  const objectArea = objectPixels / values.length;
  return {
    pointing: count((p) => isHighest(p) && object[p]!) / count(isHighest),
    iou: both / count((p) => hot[p]! || object[p]!),
    energy: energyOn(values, object) ?? objectArea,
    covered: both / objectPixels,
    hotArea: count((p) => hot[p]!) / values.length,
    objectArea,
  };
}

/**
 * The share of the image that is hot; for images without a mask.
 *
 * @throws {RangeError} If the threshold is not above 0 and at most 1.
 */
export function hotArea(
  heatmap: Heatmap,
  { threshold = hotThreshold }: { readonly threshold?: number } = {},
): number {
  const hot = isHot(heatmap, threshold);
  return hot.filter(Boolean).length / hot.length;
}

/** Whether each pixel is hot; in a map of zeros none is. */
function isHot({ values }: Heatmap, threshold: number): boolean[] {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RangeError(
      `Cannot call pixels hot from ${threshold} of the highest: need a share above 0, at most 1`,
    );
  }
  const least = threshold * values.reduce((max, value) => Math.max(max, value), 0);
  return Array.from(values, (value) => value > 0 && value >= least);
}

/** The share of the map's sum on the object; `undefined` for a map of zeros. */
function energyOn(values: Float32Array, object: readonly boolean[]): number | undefined {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return undefined;
  return values.reduce((sum, value, p) => object[p] ? sum + value : sum, 0) / total;
}
