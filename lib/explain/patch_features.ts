/**
 * Features of patches: what a network says of each position of a map.
 *
 * B images, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import { asMaps, type Explained, layerOutputs } from "lib/explain/cam_layers.ts";
import { takeValues } from "lib/train/reading.ts";

/** One vector for each position of a map, for some images. */
export interface PatchFeatures {
  /** B */
  readonly images: number;
  /** H, positions. */
  readonly height: number;
  /** W, positions. */
  readonly width: number;
  /** C */
  readonly channels: number;
  /** `[B, H, W, C]` */
  readonly values: Float32Array;
}

/**
 * The last map of a network after its last norm, which its pooled features are made of. Of a
 * transformer these are the patch tokens, without the class token.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If they are too small for the network.
 */
export async function lastPatchFeatures(
  model: Explained,
  images: tf.Tensor4D,
): Promise<PatchFeatures> {
  let grid: readonly number[] = [];
  const tokens = tf.tidy(() => {
    const { tokens, stages } = model.forward(images, { training: false, tokens: true });
    grid = stages.at(-1)!.shape;
    return tokens!;
  });
  return await featuresOf(tokens, grid[1]!, grid[2]!);
}

/**
 * The output of a layer, as it is.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @param layer Its official name, as `camLayerAt` returns it: `stages.2.8`.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If there is no such layer, or its output is no map of two positions or more.
 */
export async function layerPatchFeatures(
  model: Explained,
  images: tf.Tensor4D,
  layer: string,
): Promise<PatchFeatures> {
  const maps = tf.tidy(() => {
    const { outputs, grid } = layerOutputs(model, images, [layer]);
    return asMaps(outputs[0]!, grid).clone();
  });
  return await featuresOf(maps, maps.shape[1], maps.shape[2]);
}

/** @param tensor `[B, H, W, C]` or `[B, H·W, C]`, which is freed. */
async function featuresOf(
  tensor: tf.Tensor,
  height: number,
  width: number,
): Promise<PatchFeatures> {
  const [images, channels] = [tensor.shape[0]!, tensor.shape.at(-1)!];
  return { images, height, width, channels, values: await takeValues(tensor) as Float32Array };
}
