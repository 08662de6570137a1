/**
 * RoIAlign (He et al. 2017): cuts regions of any size out of a feature map, as small maps of one
 * size.
 *
 * A value is the mean of bilinear samples on a grid. The weight of a sample is a weight of its row
 * times a weight of its column, so a region can be cut out by two matrix products, rows first,
 * whose gradients the engine knows. The native kernel computes the same without the zeros of those
 * matrices.
 *
 * B images, H × W maps, C channels, R regions of all images, S × S pixels of result.
 */
import { boxCount, type Boxes } from "lib/detect/boxes/boxes.ts";
import { fused, hasFamily } from "lib/nn/fused.ts";
import * as tf from "lib/tf.ts";

/** How regions are sampled from a map. */
export interface RoiAlignOptions {
  /** S. */
  readonly size: number;
  /** Map pixels per image pixel: 1/4 for a map of stride 4. */
  readonly scale: number;
  /**
   * Samples along each side of the S × S cells; 0 means as many as a cell has map pixels, rounded
   * up.
   */
  readonly samplingRatio: number;
  /**
   * Whether pixel centres are at halves, as in detectron2 and mmdet; in torchvision's models they
   * are at whole numbers.
   */
  readonly aligned: boolean;
}

/**
 * Cuts out regions.
 *
 * @param features `[B, H, W, C]`
 * @param regions For each image its boxes `[., 4]`, in image pixels; no gradient flows into them,
 *   as in every implementation.
 * @returns `[R, S, S, C]`, image by image; the caller owns it.
 * @throws {TypeError} If there are not regions for each image.
 * @throws {RangeError} If a box is not finite.
 */
export function roiAlign(
  features: tf.Tensor4D,
  regions: readonly Boxes[],
  options: RoiAlignOptions,
): tf.Tensor4D {
  const B = features.shape[0];
  if (regions.length !== B) {
    throw new TypeError(
      `Cannot cut regions of ${regions.length} images out of features of ${B}: need one list for each`,
    );
  }
  regions.forEach(checkFinite);
  const cut = hasFamily("roiAlign") ? fusedRoiAlign : plainRoiAlign;
  return tf.tidy(() => cut(features, regions, options));
}

function checkFinite(boxes: Boxes, image: number): void {
  const at = boxes.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const r = Math.floor(at / 4);
  throw new RangeError(
    `Cannot cut region ${r} out of image ${image}: its box is [${
      boxes.subarray(4 * r, 4 * r + 4).join(", ")
    }]`,
  );
}

function fusedRoiAlign(
  features: tf.Tensor4D,
  regions: readonly Boxes[],
  { size, scale, samplingRatio: sampling, aligned }: RoiAlignOptions,
): tf.Tensor4D {
  const attributes = { size, scale, sampling, aligned: aligned ? 1 : 0 };
  const numbered = numberedBoxes(regions);
  const op = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([x, numbered]);
    return {
      value: fused("RoiAlign", [x, numbered], attributes)![0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        fused("RoiAlignGrad", [dy, ...saved], attributes)![0]!,
    };
  });
  return op(features) as tf.Tensor4D;
}

/** `[R, 5]`: the number of the image, then the box. */
function numberedBoxes(regions: readonly Boxes[]): tf.Tensor2D {
  const rows = regions.flatMap((boxes, image) =>
    Array.from({ length: boxCount(boxes) }, (_, r) => [image, ...boxes.subarray(4 * r, 4 * r + 4)])
  );
  return tf.tensor2d(Float32Array.from(rows.flat()), [rows.length, 5]);
}

function plainRoiAlign(
  features: tf.Tensor4D,
  regions: readonly Boxes[],
  options: RoiAlignOptions,
): tf.Tensor4D {
  const [, H, W, C] = features.shape;
  const { size } = options;
  const cut = regions.flatMap((boxes, b) => {
    const R = boxCount(boxes);
    if (R === 0) return [];
    const map = features.slice([b, 0, 0, 0], [1, H, W, C]).reshape([H, W * C]);
    const rows = tf.tensor2d(sampleWeights(boxes, 1, H, options), [R * size, H]);
    const columns = tf.tensor4d(sampleWeights(boxes, 0, W, options), [R, 1, size, W]);
    const bands = tf.matMul(rows, map as tf.Tensor2D).reshape([R, size, W, C]);
    return [tf.matMul(columns, bands) as tf.Tensor4D]; // [R, S, S, C]
  });
  return cut.length === 0 ? tf.zeros([0, size, size, C]) : tf.concat(cut, 0);
}

/**
 * Weights of the pixels along one axis for each of the S cells of each region.
 *
 * @param axis 0 is x, 1 is y.
 * @param length H or W, in map pixels.
 * @returns `[R, S, length]`
 */
function sampleWeights(
  boxes: Boxes,
  axis: 0 | 1,
  length: number,
  { size, scale, samplingRatio, aligned }: RoiAlignOptions,
): Float32Array {
  const weights = new Float32Array(boxCount(boxes) * size * length);
  for (let r = 0; r < boxCount(boxes); r++) {
    const start = boxes[4 * r + axis]! * scale - (aligned ? 0.5 : 0);
    const end = boxes[4 * r + axis + 2]! * scale - (aligned ? 0.5 : 0);
    const extent = aligned ? end - start : Math.max(end - start, 1);
    const samples = samplingRatio > 0 ? samplingRatio : Math.ceil(extent / size);
    for (let cell = 0; cell < size; cell++) {
      const row = (r * size + cell) * length;
      for (let s = 0; s < samples; s++) {
        const at = start + (cell + (s + 0.5) / samples) * extent / size;
        addSample(weights.subarray(row, row + length), at, 1 / samples);
      }
    }
  }
  return weights;
}

/**
 * Divides a sample between the two pixels next to it. Up to one pixel outside the map, the last
 * pixel gets all of it.
 */
function addSample(row: Float32Array, at: number, weight: number): void {
  if (at < -1 || at > row.length) return;
  const inside = Math.min(Math.max(at, 0), row.length - 1);
  const before = Math.floor(inside);
  row[before]! += weight * (before + 1 - inside);
  if (inside > before) row[before + 1]! += weight * (inside - before);
}
