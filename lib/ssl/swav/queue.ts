/**
 * The queue: embeddings of earlier batches, which are assigned together with those of the batch, so
 * that a small batch is not alone with all prototypes (Caron et al. 2020, §3.1).
 *
 * B images in a batch, Q embeddings in the queue for each of the two global crops, E their length.
 */
import * as tf from "lib/tf.ts";
import { buffer } from "lib/nn/init.ts";

/** Embeddings of each global crop, the newest batch first; zeros where there were none yet. */
export type Queue = tf.Variable<tf.Rank.R3>; // [2, Q, E]

/** @returns `null` if it is to hold nothing. */
export function createQueue(rows: number, outDim: number): Queue | null {
  return rows === 0 ? null : buffer<tf.Rank.R3>([2, rows, outDim], 0);
}

/** Whether batches have been put in until the last row: only then is the queue used. */
export function isFull(queue: Queue): boolean {
  const [, rows, outDim] = queue.shape;
  return tf.tidy(() => {
    const last = queue.slice([0, rows - 1, 0], [1, 1, outDim]);
    return last.dataSync().some((value) => value !== 0);
  });
}

/**
 * Puts a batch at the front; as many of the oldest embeddings leave.
 *
 * @param embeddings `[2B, E]`: all images of the first global crop, then of the second.
 */
export function push(queue: Queue, embeddings: tf.Tensor2D): void {
  const [, rows, outDim] = queue.shape;
  tf.tidy(() => {
    const batch = embeddings.reshape<tf.Tensor3D>([2, -1, outDim]);
    const kept = queue.slice([0, 0, 0], [2, rows - batch.shape[1], outDim]);
    queue.assign(tf.concat([batch, kept], 1));
  });
}
