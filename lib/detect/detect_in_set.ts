/** Detection in all pictures of a COCO set, or in single pictures. */
import * as tf from "lib/tf.ts";
import { type ChannelStats, type Raster, raster, resizedCrop } from "lib/augment/mod.ts";
import { type CocoImage, type CocoSet, readCocoPicture } from "lib/datasets/coco/coco_set.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import type { OnDamage } from "lib/detect/training/training_pictures.ts";
import { fittedSize } from "lib/detect/training/augment.ts";
import { detect } from "lib/detect/inference/detect.ts";
import type { Detection } from "lib/detect/inference/detection.ts";
import { batchPictures } from "lib/detect/inference/detection_pixels.ts";
import type { MaskRcnn } from "lib/detect/network/mask_rcnn.ts";

/** Size and normalisation of pictures outside of training; they are only resized. In pixels. */
export interface InputOptions {
  readonly shortSide: number;
  readonly longSide: number;
  readonly stats: ChannelStats;
}

/** A picture with its number in a set. */
export interface NumberedPicture {
  readonly id: number;
  readonly picture: Raster;
}

/**
 * Finds objects in pictures, all in one batch.
 *
 * @param categoryIds COCO's id of each class, from class 1 on.
 * @returns Detections in pixels of the given pictures.
 */
export async function detectInPictures(
  model: MaskRcnn,
  pictures: readonly NumberedPicture[],
  categoryIds: readonly number[],
  { shortSide, longSide, stats }: InputOptions,
): Promise<Detection[]> {
  const inputs = pictures.map(({ picture }) => fitted(picture, shortSide, longSide));
  const { values, height, width } = batchPictures(inputs, stats);
  const images = pictures.map(({ id, picture }, b) => ({
    id,
    shown: inputs[b]!,
    original: picture,
  }));
  const pixels = tf.tensor4d(values, [pictures.length, height, width, 3]);
  try {
    return await detect(model, pixels, images, categoryIds);
  } finally {
    pixels.dispose();
  }
}

function fitted(picture: Raster, shortSide: number, longSide: number): Raster {
  const { height, width } = fittedSize(picture, shortSide, longSide);
  if (height === picture.height && width === picture.width) return picture;
  const out = raster(width, height, picture.channels);
  const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
  resizedCrop(picture, whole, out, "bilinear");
  return out;
}

export interface SetDetections {
  readonly detections: readonly Detection[];
  /** The set without its damaged pictures, which the detections are measured on. */
  readonly set: CocoSet;
}

/**
 * Finds objects in every picture of a set.
 *
 * @param options.batchSize Pictures at a time.
 * @param pause Awaited after each batch; what it throws ends the detection.
 * @throws {Error} If a picture is damaged and `onFault` is "stop"; the message names file and id.
 */
export async function detectInSet(
  model: MaskRcnn,
  set: CocoSet,
  options: InputOptions & OnDamage & { readonly batchSize: number },
  pause: () => Promise<void>,
): Promise<SetDetections> {
  const categoryIds = set.categories.map(({ id }) => id);
  const [good, detections]: [CocoImage[], Detection[]] = [[], []];
  const { batchSize } = options;
  for (let first = 0; first < set.images.length; first += batchSize) {
    const images = set.images.slice(first, first + batchSize);
    const results = await mapInOrder(
      images,
      batchSize,
      (image) => readUnlessDamaged(set, image, options),
    );
    const pictures = results.filter((picture) => picture !== undefined);
    const numbers = new Set(pictures.map(({ id }) => id));
    good.push(...images.filter(({ id }) => numbers.has(id)));
    if (pictures.length > 0) {
      detections.push(...await detectInPictures(model, pictures, categoryIds, options));
    }
    await pause();
  }
  return { detections, set: good.length === set.images.length ? set : { ...set, images: good } };
}

async function readUnlessDamaged(
  set: CocoSet,
  image: CocoImage,
  { onFault = "leave out", log = console.warn }: OnDamage,
): Promise<NumberedPicture | undefined> {
  try {
    return { id: image.id, picture: await readCocoPicture(set, image) };
  } catch (error) {
    if (onFault === "stop") throw error;
    log(`Left out: ${(error as Error).message}`);
    return undefined;
  }
}
