/**
 * The memory: the embeddings of the two global crops of all images, as the network gave them when it
 * last saw each image. They are two banks, one for each crop, in the order of the epoch.
 *
 * B images in a batch, E the length of an embedding.
 */
import * as tf from "lib/tf.ts";
import { buffer } from "lib/nn/init.ts";

/** One entry for each batch of an epoch, so that a batch is overwritten without the others. */
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
 * Rows that a block of a bank has at least, if the bank does: small products take longer than one
 * large one, and those of 4,096 rows with 3,000 prototypes are 50 MB.
 */
const blockRows = 4096;

/**
 * One of the banks, in blocks of several batches.
 *
 * @param crop 0 or 1, the global crop.
 * @returns `[b, E]` each, in the order of the epoch; the caller owns them.
 */
export function bankOf({ embeddings }: Memory, crop: number): tf.Tensor2D[] {
  const [, B, E] = embeddings[0]!.shape;
  const perBlock = Math.ceil(blockRows / B);
  return Array.from({ length: Math.ceil(embeddings.length / perBlock) }, (_, i) =>
    tf.tidy(() => {
      const batches = embeddings.slice(i * perBlock, (i + 1) * perBlock);
      const rows = batches.map((batch) => batch.slice([crop, 0, 0], [1, B, E]));
      return tf.concat(rows, 1).reshape<tf.Tensor2D>([-1, E]);
    }));
}

/** The places in the data set of all images in the memory, in its order. */
export async function imagesIn({ images }: Memory): Promise<number[]> {
  const batches = await Promise.all(images.map((batch) => batch.data<"float32">()));
  return batches.flatMap((batch) => [...batch]);
}
