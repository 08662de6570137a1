/**
 * The views of a batch as tensors, and their micro-batches.
 *
 * B images in the batch, b in a micro-batch, V views.
 */
import * as tf from "lib/tf.ts";
import type { CropBatch } from "./batch.ts";
import type { CropRecipe } from "./crop_recipe.ts";

/** The views of B images: all images of view 0, then all of view 1, … */
export interface Views {
  readonly global: tf.Tensor4D; // [2·B, G, G, 3]
  readonly local: tf.Tensor4D | null; // [(V−2)·B, L, L, 3]
  /** Which images they are: their places in the data set, `[B]`. Training always gives them. */
  readonly indices?: Uint32Array;
}

/** Images `first … first + count − 1` of a batch. */
export interface MicroBatch {
  readonly first: number;
  readonly count: number;
}

/**
 * Copies the views of a batch into tensors, which the caller owns.
 *
 * @param indices Which images they are.
 */
export function viewTensors(
  batch: CropBatch,
  recipe: CropRecipe,
  indices?: Uint32Array,
): Views {
  const { globalSize: G, localSize: L, localCrops } = recipe;
  const local = localCrops > 0
    ? tf.tensor4d(batch.local, [localCrops * batch.images, L, L, 3])
    : null;
  return { global: tf.tensor4d(batch.global, [2 * batch.images, G, G, 3]), local, indices };
}

/** Frees the tensors of views. */
export function disposeViews({ global, local }: Views): void {
  tf.dispose([global, local ?? []]);
}

/** B, the number of images. */
export function imagesIn({ global }: Views): number {
  return global.shape[0] / 2;
}

/**
 * Splits a batch as evenly as possible: if `parts` does not divide B, some micro-batches have one
 * image more than the others.
 *
 * @throws {RangeError} If a micro-batch would have no image.
 */
export function microBatches(images: number, parts: number): MicroBatch[] {
  if (!(Number.isInteger(parts) && parts >= 1 && parts <= images)) {
    throw new RangeError(
      `Cannot split a batch of ${images} images into ${parts} micro-batches: need 1 to ${images}`,
    );
  }
  const at = (part: number) => Math.floor(part * images / parts);
  return Array.from({ length: parts }, (_, i) => ({ first: at(i), count: at(i + 1) - at(i) }));
}

/**
 * The views of a micro-batch, in the same layout. For a micro-batch that is the whole batch,
 * returns the same tensors.
 */
export function viewsOf(views: Views, { first, count }: MicroBatch): Views {
  const images = imagesIn(views);
  if (count === images) return views;
  const take = (x: tf.Tensor4D) =>
    tf.tidy(() => {
      const [, ...pixels] = x.shape;
      const byView = x.reshape<tf.Tensor3D>([-1, images, tf.util.sizeFromShape(pixels)]);
      return byView.slice([0, first], [-1, count]).reshape<tf.Tensor4D>([-1, ...pixels]);
    });
  return {
    global: take(views.global),
    local: views.local && take(views.local),
    indices: views.indices?.subarray(first, first + count),
  };
}
