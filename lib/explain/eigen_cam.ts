/** Eigen-CAM (Muhammad and Yeasin 2020): where a layer differs most from its mean, without any class. */
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

/**
 * Eigen-CAM of each image: the layer's positions, less their mean, projected on the direction in which they differ most;
 * then scaled as Grad-CAM is.
 *
 * Which way the direction points no algebra decides, and half of the map is cut at 0: pytorch-grad-cam's `EigenCAM` takes
 * it as the linear algebra library happens to give it. Here the position farthest from the mean is on the positive side, as
 * that package's own `get_2d_projection_with_sign_correction` has it (Chung and Ying 2025, Eq. 13).
 *
 * Differs: values that are not numbers are refused, where the package takes them for 0.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If a layer is not there or is no map, or a value is not finite.
 */
export function eigenCam(
  model: Explained,
  images: tf.Tensor4D,
  { layers = [camLayer(model.config)] }: CamOptions = {},
): Heatmap[] {
  const maps: SignedMap[][] = [];
  tf.tidy(() => {
    const { outputs, grid } = layerOutputs(model, images, layers);
    for (const output of outputs) maps.push(projections(asMaps(output, grid)));
  });
  return heatmapsOf(maps, images);
}

/** @param maps `[B, H, W, C]` */
function projections(maps: tf.Tensor4D): SignedMap[] {
  const [batch, height, width, channels] = maps.shape;
  const all = maps.dataSync<"float32">();
  const size = height * width * channels;
  return Array.from({ length: batch }, (_, b) => ({
    height,
    width,
    values: principalProjection(all.subarray(b * size, (b + 1) * size), channels),
  }));
}
