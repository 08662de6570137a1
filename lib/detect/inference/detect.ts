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
import { selectProposalsLater } from "lib/detect/network/proposals.ts";
import { cutRegions } from "lib/detect/network/pyramid_regions.ts";
import { pyramidAnchors, runRpn } from "lib/detect/network/rpn.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";
import { takeValues } from "lib/train/reading.ts";

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
export async function detect(
  model: MaskRcnn,
  pixels: tf.Tensor4D,
  images: readonly ShownImage[],
  categoryIds: readonly number[],
): Promise<Detection[]> {
  const { numClasses } = model.config;
  if (categoryIds.length !== numClasses - 1) {
    throw new RangeError(
      `Cannot name the objects found: need ${
        numClasses - 1
      } categories, current are ${categoryIds.length}`,
    );
  }
  const instances = await findInstances(model, pixels, images.map(({ shown }) => shown));
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
export async function findInstances(
  model: MaskRcnn,
  pixels: tf.Tensor4D,
  sizes: readonly ImageSize[],
): Promise<FoundInstances[]> {
  requireEach(pixels, sizes.length, "sizes");
  const { config, params } = model;
  const maps = tf.tidy(() => detectorMaps(pixels, backboneOf(model), config, { training: false }));
  try {
    const { inference } = config.rpn;
    const anchors = pyramidAnchors(maps, sidesOf(pixels), config.rpn);
    const rpnOutput = runRpn(maps, params.rpn);
    const proposals = await selectProposalsLater(rpnOutput, anchors, sizes, inference, config.rpn)
      .finally(() => tf.dispose([rpnOutput.objectness, rpnOutput.deltas]));
    const objects = await findBoxes(model, maps, proposals, sizes);
    const masks = await drawMasks(model, maps, objects);
    let first = 0;
    return objects.map((some) => {
      const next = first + some.scores.length;
      const withMasks = { ...some, masks: masks.slice(first, next) };
      first = next;
      return withMasks;
    });
  } finally {
    tf.dispose(maps);
  }
}

/** Objects of each image, without masks. */
async function findBoxes(
  { config, params: { roi_heads } }: MaskRcnn,
  maps: readonly tf.Tensor4D[],
  proposals: readonly Boxes[],
  sizes: readonly ImageSize[],
): Promise<FoundObjects[]> {
  const { box, numClasses: K } = config;
  const outputs = tf.tidy(() => {
    const regions = cutRegions(maps, proposals, box.size, regionsOf(config));
    const { classes, deltas } = runBoxHead(regions, roi_heads);
    return [tf.softmax(classes), deltas];
  });
  const [scores, deltas] = await Promise.all(outputs.map(takeValues)) as [
    Float32Array,
    Float32Array,
  ];
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
async function drawMasks(
  { config, params: { roi_heads } }: MaskRcnn,
  maps: readonly tf.Tensor4D[],
  objects: readonly FoundObjects[],
): Promise<Float32Array[]> {
  const labels = objects.flatMap((some) => [...some.labels]);
  if (labels.length === 0) return [];
  const boxes = objects.map(({ boxes }) => boxes);
  const probabilities = tf.tidy(() => {
    const cut = cutRegions(maps, boxes, config.mask.size, regionsOf(config));
    return tf.sigmoid(runMaskHead(cut, labels, roi_heads));
  });
  const pixels = await takeValues(probabilities);
  const area = pixels.length / labels.length;
  return labels.map((_, i) => pixels.subarray(i * area, (i + 1) * area));
}
