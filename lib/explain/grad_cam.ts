/**
 * Grad-CAM (Selvaraju et al. 2017): where in an image a network sees evidence for a class.
 *
 * B batch, H W map, C channels.
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
import { takeValues } from "lib/train/reading.ts";

export interface GradCamOptions extends CamOptions {
  /** The class to explain, one for each image. By default the one with the highest logit. */
  readonly classes?: readonly number[];
}

/** The evidence for a class, pixel by pixel. */
export interface GradCam extends Heatmap {
  /** Number of the class that the map explains. */
  readonly classIndex: number;
}

/**
 * Grad-CAM of each image, as in pytorch-grad-cam: channels are weighted by the mean gradient of the
 * class's logit and added; negative values are set to 0, and the map is scaled to 0–1 and resized
 * to the image.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If the network has no classifier, there is no such class or layer, or the
 *   class depends on no position of a layer.
 */
export async function gradCam(
  model: Explained,
  images: tf.Tensor4D,
  { layers = [camLayer(model.config)], classes }: GradCamOptions = {},
): Promise<GradCam[]> {
  const { outputs, grid, logits } = tf.tidy(() =>
    layerOutputs(model, images, layers) as unknown as tf.TensorContainer
  ) as unknown as ReturnType<typeof layerOutputs>;
  let chosen: readonly number[];
  let weighted: tf.Tensor[];
  try {
    chosen = await chooseClasses(logits, images.shape[0], classes);
    weighted = tf.tidy(() => {
      const slopes = slopesOf(model, images, layers, outputs, chosen);
      return outputs.flatMap((output, i) => {
        const slope = asMaps(slopes[i]!, grid);
        const weights = slope.mean([1, 2], true); // [B, 1, 1, C]
        const map = asMaps(output, grid).mul<tf.Tensor4D>(weights).sum<tf.Tensor3D>(-1);
        return [map, slope.abs().max()];
      });
    });
  } finally {
    tf.dispose([...outputs, logits ?? []]);
  }
  const shapes = weighted.map(({ shape }) => shape);
  const values = await Promise.all(weighted.map(takeValues));
  const maps = layers.map((layer, i) => {
    checkSlope(values[2 * i + 1]![0]!, layer, model);
    return signedMaps(values[2 * i]!, shapes[2 * i]!);
  });
  return heatmapsOf(maps, images).map((map, i) => ({ ...map, classIndex: chosen[i]! }));
}

/** Checks the classes that were asked for; without any, takes those with the highest logits. */
async function chooseClasses(
  logits: tf.Tensor2D | undefined,
  batch: number,
  classes: readonly number[] | undefined,
): Promise<readonly number[]> {
  if (!logits) {
    throw new RangeError(
      "Cannot draw Grad-CAM: the network has no classifier, so no class to explain; build it with { numClasses }, put one " +
        "on its features with withClassifier(), or draw eigenCam(), which needs none",
    );
  }
  if (!classes) return [...await takeValues(tf.tidy(() => logits.argMax(1)))];
  if (classes.length !== batch) {
    throw new RangeError(
      `Cannot explain ${batch} images: need a class for each, got ${classes.length}`,
    );
  }
  const last = logits.shape[1] - 1;
  for (const index of classes) {
    if (Number.isInteger(index) && index >= 0 && index <= last) continue;
    throw new RangeError(`Cannot explain class ${index}: the network has classes 0 to ${last}`);
  }
  return classes;
}

/**
 * Gradients of each image's logit with respect to the outputs of layers. The variables are zeros
 * that are added to the outputs, so that among several layers a later one still depends on an
 * earlier one. Nothing before the first of the layers is differentiated.
 */
function slopesOf(
  model: Explained,
  images: tf.Tensor4D,
  layers: readonly string[],
  outputs: readonly tf.Tensor[],
  classes: readonly number[],
): tf.Tensor[] {
  const logitSum = (...added: tf.Tensor[]) => {
    const { logits } = model.forward(images, {
      training: false,
      tap: (name, output) => {
        const layer = layers.indexOf(name);
        return layer < 0 ? output : output.add(added[layer]!);
      },
    });
    const wanted = tf.oneHot(tf.tensor1d([...classes], "int32"), logits!.shape[1]);
    return logits!.mul(wanted).sum();
  };
  return tf.grads(logitSum)(outputs.map((output) => tf.zerosLike(output)));
}

/** Refuses a gradient of zeros, whose map would look as if there were no evidence for the class. */
function checkSlope(largest: number, layer: string, { config }: Explained): void {
  if (largest !== 0) return;
  throw new RangeError(
    `Cannot draw Grad-CAM of layer "${layer}": the class depends on none of its positions, as after the last attention of ` +
      `a network that reads its class token alone; use "${camLayer(config)}"`,
  );
}

/** @param shape `[B, H, W]` */
function signedMaps(values: Float32Array, [, height, width]: readonly number[]): SignedMap[] {
  const all = Float64Array.from(values);
  const size = height! * width!;
  return Array.from({ length: all.length / size }, (_, b) => ({
    height: height!,
    width: width!,
    values: all.subarray(b * size, (b + 1) * size),
  }));
}
