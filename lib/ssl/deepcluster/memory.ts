/**
 * The memory: the embeddings of the two global crops of all images, as the network gave them when it
 * last saw each image. They are two banks, one for each crop, in the order of the epoch.
 *
 * B images in a batch, E the length of an embedding.
 */
import * as tf from "lib/tf.ts";
import { buffer } from "lib/nn/init.ts";

/**
 * One entry for each batch of an epoch. So a batch is overwritten without touching the others, and
 * k-means reads block by block.
 */
export interface Memory {
  /** Embeddings of the two crops. */
  readonly embeddings: readonly tf.Variable<tf.Rank.R3>[]; // [2, B, E]
  /** The images' places in the data set. */
  readonly images: readonly tf.Variable<tf.Rank.R1>[]; // [B]
}

export function createMemory(batches: number, batchSize: number, outDim: number): Memory {
  const each = <T>(create: () => T) => Array.from({ length: batches }, create);
  return {
    embeddings: each(() => buffer<tf.Rank.R3>([2, batchSize, outDim], 0)),
    images: each(() => buffer<tf.Rank.R1>([batchSize], 0)),
  };
}

/**
 * Overwrites a batch.
 *
 * @param batch Its number in the epoch.
 * @param first Embeddings of the first global crop, `[B, E]`; `second` those of the second.
 * @param images The images' places in the data set, `[B]`.
 */
export function remember(
  memory: Memory,
  batch: number,
  { first, second, images }: Readonly<Record<"first" | "second" | "images", tf.Tensor>>,
): void {
  tf.tidy(() => {
    memory.embeddings[batch]!.assign(tf.stack([first, second]) as tf.Tensor3D);
    memory.images[batch]!.assign(images as tf.Tensor1D);
  });
}

/**
 * One of the banks, in blocks.
 *
 * @param crop 0 or 1, the global crop.
 * @returns `[B, E]` for each batch; the caller owns them.
 */
export function bankOf({ embeddings }: Memory, crop: number): tf.Tensor2D[] {
  return embeddings.map((batch) => {
    const [, B, E] = batch.shape;
    return tf.tidy(() => batch.slice([crop, 0, 0], [1, B, E]).reshape<tf.Tensor2D>([B, E]));
  });
}

/** The places in the data set of all images in the memory, in its order. */
export function imagesIn({ images }: Memory): number[] {
  return images.flatMap((batch) => [...batch.dataSync<"float32">()]);
}
