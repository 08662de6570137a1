/**
 * The head that classifies each region and corrects its box (Girshick 2015), with torchvision's
 * layers and names.
 *
 * R regions, S × S pixels of a region, D channels, K classes including the background.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { BoxHeadConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { createUniformLinear, linear, type LinearParams } from "lib/nn/linear.ts";
import { relu } from "lib/nn/relu.ts";

export interface BoxHeadParams {
  readonly box_head: {
    readonly fc6: LinearParams; // [D·S·S, dim], channel by channel
    readonly fc7: LinearParams; // [dim, dim]
  };
  readonly box_predictor: {
    readonly cls_score: LinearParams; // [dim, K]
    readonly bbox_pred: LinearParams; // [dim, 4K]
  };
}

export interface BoxHeadOutput {
  /** `[R, K]`, logits. */
  readonly classes: tf.Tensor2D;
  /** `[R, K, 4]`, the encoded difference from the region to the object's box, for each class. */
  readonly deltas: tf.Tensor3D;
}

/** Creates weights by PyTorch's default for linear layers. */
export function createBoxHead(
  mapDim: number,
  { size, dim }: Pick<BoxHeadConfig, "size" | "dim">,
  numClasses: number,
  rng: Rng,
): BoxHeadParams {
  const layer = (name: string, inDim: number, outDim: number) =>
    createUniformLinear(inDim, outDim, rng.fork(name));
  return {
    box_head: {
      fc6: layer("box_head.fc6", mapDim * size * size, dim),
      fc7: layer("box_head.fc7", dim, dim),
    },
    box_predictor: {
      cls_score: layer("box_predictor.cls_score", dim, numClasses),
      bbox_pred: layer("box_predictor.bbox_pred", dim, 4 * numClasses),
    },
  };
}

/**
 * Runs the head.
 *
 * @param regions `[R, S, S, D]`
 * @returns The caller owns the tensors.
 */
export function runBoxHead(
  regions: tf.Tensor4D,
  { box_head, box_predictor }: BoxHeadParams,
): BoxHeadOutput {
  const [R, S, , D] = regions.shape;
  const K = box_predictor.cls_score.bias.shape[0];
  return tf.tidy(() => {
    // Regions are flattened channel by channel, as in torchvision, so that its weights fit.
    let x = regions.transpose([0, 3, 1, 2]).reshape<tf.Tensor2D>([R, D * S * S]);
    x = relu(linear(x, box_head.fc6));
    x = relu(linear(x, box_head.fc7)); // [R, dim]
    return {
      classes: linear(x, box_predictor.cls_score),
      deltas: linear(x, box_predictor.bbox_pred).reshape<tf.Tensor3D>([R, K, 4]),
    };
  });
}
