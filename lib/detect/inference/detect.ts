/** Inference of a detector: from images to objects. */
import * as tf from "lib/tf.ts";
import { runBoxHead } from "lib/detect/network/box_head.ts";
import { boxCount, type Boxes, toCocoBox } from "lib/detect/boxes/boxes.ts";
import type { Detection } from "lib/detect/inference/detection.ts";
import { detectorMaps, finestStride } from "lib/detect/network/detector_backbone.ts";
import { runMaskHead } from "lib/detect/network/mask_head.ts";
import { pasteMask } from "lib/detect/inference/mask_paste.ts";
import { backboneOf, type MaskRcnn, requireEach, sidesOf } from "lib/detect/network/mask_rcnn.ts";
import {
  type FoundObjects,
  rescaleBoxes,
  selectDetections,
} from "lib/detect/inference/postprocess.ts";
import { selectProposals } from "lib/detect/network/proposals.ts";
import { cutRegions } from "lib/detect/network/pyramid_regions.ts";
import { pyramidAnchors, runRpn } from "lib/detect/network/rpn.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

/** Sizes and number of an image of a batch. */
export interface ShownImage {
  /** Number of the image in its data set. */
  readonly id: number;
  /** Size that the network sees, without padding. */
  readonly shown: ImageSize;
  /** Size to which boxes and masks are scaled. */
  readonly original: ImageSize;
}

/**
 * Finds objects.
 *
 * @param pixels `[B, H, W, 3]`, normalised; each image at the top left, zeros to its right and
 *   below.
 * @param images One entry per image of the batch.
 * @param categoryIds COCO's id of each class, from class 1 on: class 0 is the background.
 * @returns Image by image, highest score first, in pixels of the original images.
 * @throws {RangeError} If there is not one entry for each image, or one category for each of the
 *   network's classes.
 */
export function detect(
  model: MaskRcnn,
  pixels: tf.Tensor4D,
  images: readonly ShownImage[],
  categoryIds: readonly number[],
): Detection[] {
  const { numClasses } = model.config;
  if (categoryIds.length !== numClasses - 1) {
    throw new RangeError(
      `Cannot name the objects found: need ${
        numClasses - 1
      } categories, current are ${categoryIds.length}`,
    );
  }
  const instances = findInstances(model, pixels, images.map(({ shown }) => shown));
  return images.flatMap(({ id, shown, original }, b) => {
    const { boxes, labels, scores, masks } = instances[b]!;
    const imageBoxes = rescaleBoxes(boxes, shown, original);
    return masks.map((mask, i) => ({
      imageId: id,
      categoryId: categoryIds[labels[i]! - 1]!,
      score: scores[i]!,
      box: toCocoBox(imageBoxes, i),
      mask: pasteMask(mask, imageBoxes.subarray(4 * i, 4 * i + 4), original),
    }));
  });
}

/** Objects found in one image, with the mask of each object in its box. */
export interface FoundInstances extends FoundObjects {
  /** N probabilities `[M, M]`. */
  readonly masks: readonly Float32Array[];
}

/**
 * Finds objects, in the pixels that the network sees.
 *
 * @param pixels As in {@linkcode detect}.
 * @param sizes Size of each image of the batch, without padding.
 * @throws {RangeError} If there is not a size for each image.
 */
export function findInstances(
  model: MaskRcnn,
  pixels: tf.Tensor4D,
  sizes: readonly ImageSize[],
): FoundInstances[] {
  requireEach(pixels, sizes.length, "sizes");
  const { config, params } = model;
  // outside the tidy, which would look for tensors among all numbers
  let instances: FoundInstances[] = [];
  tf.tidy(() => {
    const maps = detectorMaps(pixels, backboneOf(model), config, { training: false });
    const rpnOutput = runRpn(maps, params.rpn);
    const anchors = pyramidAnchors(maps, sidesOf(pixels), config.rpn);
    const proposals = selectProposals(rpnOutput, anchors, sizes, config.rpn.inference, config.rpn);
    const objects = findBoxes(model, maps, proposals, sizes);
    const masks = drawMasks(model, maps, objects);
    let first = 0;
    instances = objects.map((some) => {
      const next = first + some.scores.length;
      const withMasks = { ...some, masks: masks.slice(first, next) };
      first = next;
      return withMasks;
    });
  });
  return instances;
}

/** Objects of each image, without masks. */
function findBoxes(
  { config, params: { roi_heads } }: MaskRcnn,
  maps: readonly tf.Tensor4D[],
  proposals: readonly Boxes[],
  sizes: readonly ImageSize[],
): FoundObjects[] {
  const { box, numClasses: K } = config;
  const regions = cutRegions(maps, proposals, box.size, regionsOf(config));
  const headOutput = runBoxHead(regions, roi_heads);
  const scores = tf.softmax(headOutput.classes).dataSync<"float32">();
  const deltas = headOutput.deltas.dataSync<"float32">();
  let first = 0;
  return proposals.map((boxes, b) => {
    const next = first + boxCount(boxes);
    const imageOutput = {
      scores: scores.subarray(K * first, K * next),
      deltas: deltas.subarray(4 * K * first, 4 * K * next),
    };
    first = next;
    return selectDetections(boxes, imageOutput, sizes[b]!, config);
  });
}

/** How regions are cut out of the pyramid of a network. */
function regionsOf({ regions, backbone }: MaskRcnn["config"]) {
  return { ...regions, stride: finestStride(backbone) };
}

/** Masks of all objects, image by image. */
function drawMasks(
  { config, params: { roi_heads } }: MaskRcnn,
  maps: readonly tf.Tensor4D[],
  objects: readonly FoundObjects[],
): Float32Array[] {
  const labels = objects.flatMap((some) => [...some.labels]);
  if (labels.length === 0) return [];
  const boxes = objects.map(({ boxes }) => boxes);
  const cut = cutRegions(maps, boxes, config.mask.size, regionsOf(config));
  const pixels = tf.sigmoid(runMaskHead(cut, labels, roi_heads)).dataSync<"float32">();
  const area = pixels.length / labels.length;
  return labels.map((_, i) => pixels.subarray(i * area, (i + 1) * area));
}
