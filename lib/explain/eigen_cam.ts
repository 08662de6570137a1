/**
 * Eigen-CAM (Muhammad and Yeasin 2020): where a layer's output differs most from its mean. Needs no
 * class.
 */
import * as tf from "lib/tf.ts";
import {
  asMaps,
  camLayer,
  type CamOptions,
  type Explained,
  layerOutputs,
} from "lib/explain/cam_layers.ts";
import { type Heatmap, heatmapsOf, type SignedMap } from "lib/explain/heatmap.ts";
import { principalProjection } from "lib/explain/principal_projection.ts";
import { takeValues } from "lib/train/reading.ts";

/**
 * Eigen-CAM of each image: the features of each position, minus their mean, projected on their
 * first principal direction, then scaled as in Grad-CAM.
 *
 * The sign of that direction is arbitrary, and it decides which half of the map is set to 0;
 * pytorch-grad-cam's `EigenCAM` takes the sign that the linear algebra library returns. Here the
 * position farthest from the mean is positive, as in that package's
 * `get_2d_projection_with_sign_correction` (Chung and Ying 2025, Eq. 13).
 *
 * Differs: values that are not finite are refused; the package replaces them by 0.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If a layer is not there or is no map, or a value is not finite.
 */
export async function eigenCam(
  model: Explained,
  images: tf.Tensor4D,
  { layers = [camLayer(model.config)] }: CamOptions = {},
): Promise<Heatmap[]> {
  const outputs = tf.tidy(() => {
    const { outputs, grid } = layerOutputs(model, images, layers);
    return outputs.map((output) => asMaps(output, grid).clone());
  });
  return heatmapsOf(await Promise.all(outputs.map(projections)), images);
}

/** @param maps `[B, H, W, C]`, which are freed. */
async function projections(maps: tf.Tensor4D): Promise<SignedMap[]> {
  const [batch, height, width, channels] = maps.shape;
  const all = await takeValues(maps);
  const size = height * width * channels;
  return Array.from({ length: batch }, (_, b) => ({
    height,
    width,
    values: principalProjection(all.subarray(b * size, (b + 1) * size), channels),
  }));
}
