/**
 * The region proposal network (Ren et al. 2015): for each anchor at each position of each map,
 * whether it contains an object, and how the object's box differs from it. Layers and names are
 * torchvision's.
 *
 * B images, D channels, A anchors of an image on all maps: map after map, then row by row.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { mapAnchors } from "lib/detect/boxes/anchors.ts";
import { boxCount, type Boxes } from "lib/detect/boxes/boxes.ts";
import type { RpnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";
import { conv2d, type Conv2dParams, createConv2d, type Initializer } from "lib/nn/conv.ts";
import { truncNormal } from "lib/nn/init.ts";
import { relu } from "lib/nn/relu.ts";

/** Weights, the same for all maps. */
export interface RpnParams {
  readonly head: {
    readonly conv: readonly [readonly [Conv2dParams]]; // 3×3, D to D
    readonly cls_logits: Conv2dParams; // 1×1
    readonly bbox_pred: Conv2dParams; // 1×1
  };
}

/** Outputs for every anchor. */
export interface RpnOutput {
  /** `[B, A]`, logits that there is an object. */
  readonly objectness: tf.Tensor2D;
  /** `[B, A, 4]`, encoded difference from the anchor to the object. */
  readonly deltas: tf.Tensor3D;
}

/** Anchors of an image. */
export interface Anchors {
  readonly boxes: Boxes; // [A, 4]
  /** Number of anchors on each map. */
  readonly perLevel: readonly number[];
}

/**
 * Creates weights: Gaussian with standard deviation 0.01, biases 0.
 *
 * @throws {RangeError} If maps differ in their number of anchors at a position: they share one
 *   head.
 */
export function createRpn(
  dim: number,
  { anchors }: Pick<RpnConfig, "anchors">,
  rng: Rng,
): RpnParams {
  const counts = new Set(anchors.map(({ sizes, ratios }) => sizes.length * ratios.length));
  if (counts.size !== 1) {
    throw new RangeError(
      `Cannot build one head for all maps: they have ${[...counts].join(", ")} anchors at a place`,
    );
  }
  const [atPlace] = [...counts] as [number];
  const init: Initializer = (shape, stream) => truncNormal(shape, stream, 0.01);
  return {
    head: {
      conv: [[createConv2d(3, dim, dim, rng.fork("head.conv"), { init })]],
      cls_logits: createConv2d(1, dim, atPlace, rng.fork("head.cls_logits"), { init }),
      bbox_pred: createConv2d(1, dim, 4 * atPlace, rng.fork("head.bbox_pred"), { init }),
    },
  };
}

/**
 * Runs the network.
 *
 * @param maps P2 to P6, each `[B, H, W, D]`.
 * @returns The caller owns the tensors.
 */
export function runRpn(maps: readonly tf.Tensor4D[], { head }: RpnParams): RpnOutput {
  return tf.tidy(() => {
    const outputs = maps.map((map) => {
      const hidden = relu(conv2d(map, head.conv[0][0]));
      const B = map.shape[0];
      return {
        objectness: conv2d(hidden, head.cls_logits).reshape<tf.Tensor2D>([B, -1]),
        deltas: conv2d(hidden, head.bbox_pred).reshape<tf.Tensor3D>([B, -1, 4]),
      };
    });
    return {
      objectness: tf.concat(outputs.map(({ objectness }) => objectness), 1),
      deltas: tf.concat(outputs.map(({ deltas }) => deltas), 1),
    };
  });
}

/**
 * Anchors for the images of one batch.
 *
 * @param maps P2 to P6; only their sides matter.
 * @param image Size of the batch's images, including the padding.
 * @throws {RangeError} If there are not anchors for each map.
 */
export function pyramidAnchors(
  maps: readonly tf.Tensor4D[],
  { height, width }: ImageSize,
  { anchors }: Pick<RpnConfig, "anchors">,
): Anchors {
  if (anchors.length !== maps.length) {
    throw new RangeError(
      `Cannot place anchors: need those of ${maps.length} maps, current are of ${anchors.length}`,
    );
  }
  const levels = maps.map(({ shape: [, rows, columns] }, i) => {
    const stride = { y: Math.floor(height / rows), x: Math.floor(width / columns) };
    return mapAnchors({ height: rows, width: columns }, stride, anchors[i]!);
  });
  const boxes = new Float32Array(levels.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const level of levels) {
    boxes.set(level, at);
    at += level.length;
  }
  return { boxes, perLevel: levels.map(boxCount) };
}
