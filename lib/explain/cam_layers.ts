/**
 * The layer that a class activation map looks at, and its output as maps.
 *
 * B batch, H W map, N tokens, C channels.
 */
import * as tf from "lib/tf.ts";
import { families, familyOf, intermediates, type Model, type ModelConfig } from "lib/models/mod.ts";

/** What can be explained: a `Model`, or anything that runs as one. */
export type Explained = Pick<Model, "config" | "forward">;

/** The layers to look at; with several, the result is the mean of their maps. */
export interface CamOptions {
  /** Official module names, as in taps. By default the one of {@linkcode camLayer}. */
  readonly layers?: readonly string[];
}

/**
 * The layer that the paper looks at (§5.1), which each family of networks names: the last block of
 * a CNN, the first LayerNorm of a transformer's last block.
 *
 * @returns Its official name: `stages.3.2`, `blocks.11.norm1`.
 * @throws {RangeError} If the architecture is unknown.
 */
export function camLayer(config: ModelConfig): string {
  return layersOf(config).at(-1)!;
}

function layersOf(config: ModelConfig): readonly string[] {
  if (Object.hasOwn(families, config.arch)) return familyOf(config).camLayers(config);
  throw new RangeError(`Cannot choose a layer of "${config.arch}": name one in \`layers\``);
}

/**
 * Which layer to look at: `last`, the paper's, at the end of the last stage; or `deep`, at the end
 * of the stage with most blocks.
 */
export type CamDepth = "deep" | "last";

const smallestMap = 5; // positions a side: with fewer, the heat of one covers most of an object

/**
 * The layer to look at in images of some size. `deep` is the end of the stage with most blocks, the
 * later one of equals, among those whose map has at least 5 × 5 positions; in images too small for
 * any such map, the end of the first stage. By default it is the paper's layer if its map has that
 * many positions, otherwise `deep`.
 *
 * Differs: the paper looks at the last stage, whose map of 224 pixels has 7 × 7 positions. The last
 * map of a small image has one or two a side.
 *
 * @param side Shorter side of the images in pixels.
 * @returns Official name, as {@linkcode camLayer} returns it.
 * @throws {RangeError} If the architecture, or `depth`, is unknown.
 *
 * @example
 * ```ts
 * import { camLayerAt } from "lib/explain/mod.ts";
 * import { convNeXtConfig } from "lib/models/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const tiny = convNeXtConfig("tiny"); // 3, 3, 9 and 3 blocks
 * assertEquals(camLayerAt(tiny, 224), "stages.3.2"); // 7 × 7 positions
 * assertEquals(camLayerAt(tiny, 96), "stages.2.8"); // 6 × 6; the last stage has 3 × 3
 * ```
 */
export function camLayerAt(config: ModelConfig, side: number, depth?: CamDepth): string {
  if (depth !== undefined && depth !== "deep" && depth !== "last") {
    throw new RangeError(`Unknown layer "${depth satisfies never}": use deep or last`);
  }
  const layers = layersOf(config);
  const large = familyOf(config).stages(config).map(({ stride }) =>
    Math.floor(side / stride) >= smallestMap
  );
  if (depth === "last" || depth === undefined && large.at(-1)) return layers.at(-1)!;
  const blocks = "depths" in config ? config.depths : [config.depth];
  let deepest = 0;
  layers.forEach((_, i) => {
    if (large[i] && blocks[i]! >= blocks[deepest]!) deepest = i;
  });
  return layers[deepest]!;
}

/** The outputs of some layers for some images; the `tidy` around frees them. */
export interface LayerOutputs {
  /** The tensors that the layers return, in the order of the names. */
  readonly outputs: readonly tf.Tensor[];
  /** Rows and columns of tokens, where a layer's output is a list of them. */
  readonly grid: readonly [rows: number, columns: number];
  /** `[B, classes]`, of a network with a classifier. */
  readonly logits?: tf.Tensor2D;
}

/**
 * The outputs of layers in evaluation mode.
 *
 * @param images `[B, H, W, 3]`, normalised.
 * @throws {TypeError} If the images have another shape.
 * @throws {RangeError} If there is no layer of a name (the message lists those there are), no layer
 *   is named, a layer's output is not a map of two positions or more, or the images are too small
 *   for the network.
 */
export function layerOutputs(
  model: Explained,
  images: tf.Tensor4D,
  layers: readonly string[],
): LayerOutputs {
  checkImages(images);
  if (layers.length === 0) throw new RangeError("Cannot draw a map of no layer: name one or more");
  const { intermediates: found, stages, logits } = intermediates(model, images, layers, {
    training: false,
  });
  const outputs = layers.map((name) => found[name]!.clone()); // a tidy frees clones, but not kept tensors
  tf.dispose(found as tf.NamedTensorMap);
  const [, rows, columns] = stages.at(-1)!.shape; // in a plain transformer, of its patches
  outputs.forEach((output, i) => checkMap(output, [rows, columns], layers[i]!, model, images));
  return { outputs, grid: [rows, columns], logits };
}

/**
 * Refuses an output that is no map, or a map of one position, which would be one colour all over.
 */
function checkMap(
  { rank, shape }: tf.Tensor,
  [rows, columns]: LayerOutputs["grid"],
  layer: string,
  { config }: Explained,
  images: tf.Tensor4D,
): void {
  const refuse = (why: string) => new RangeError(`Cannot draw layer "${layer}" as a map: ${why}`);
  if (rank !== 3 && rank !== 4) {
    const instead = camLayer(config);
    throw refuse(
      `its output is [${shape}], without rows and columns; use one before the pooling, as "${instead}"`,
    );
  }
  if ((rank === 3 ? rows * columns : shape[1]! * shape[2]!) > 1) return;
  const pixels = `${images.shape[1]}×${images.shape[2]} pixels`;
  throw refuse(`of ${pixels} it has one position; give larger images, or an earlier layer`);
}

function checkImages({ shape }: tf.Tensor): void {
  if (shape.length === 4 && shape[3] === 3 && shape[0]! > 0) return;
  throw new TypeError(
    `Cannot explain images of shape [${shape}]: need [B, H, W, 3], normalised as in training`,
  );
}

/**
 * Brings a layer's output into the shape of maps: tokens in rows and columns, without the class
 * token.
 *
 * @param output `[B, H, W, C]`; or `[B, N, C]` or `[B, 1 + N, C]`, a list of tokens.
 * @returns `[B, H, W, C]`
 */
export function asMaps(output: tf.Tensor, [rows, columns]: LayerOutputs["grid"]): tf.Tensor4D {
  if (output.rank === 4) return output as tf.Tensor4D;
  const [batch, tokens, channels] = output.shape as [number, number, number];
  const patches = output.slice([0, tokens - rows * columns, 0]); // class token first
  return patches.reshape([batch, rows, columns, channels]);
}
