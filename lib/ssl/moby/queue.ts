/** MoBY's queues of keys. P length of a key, K keys in a queue, B images in a batch. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";

/** The keys of earlier batches, with the names of the official checkpoints. */
export interface Queues {
  /** Keys of first views, in columns, `[P, K]`. */
  readonly queue1: tf.Variable<tf.Rank.R2>;
  /** Keys of second views, `[P, K]`. */
  readonly queue2: tf.Variable<tf.Rank.R2>;
  /** The column of the oldest key, `[1]`. */
  readonly queue_ptr: tf.Variable<tf.Rank.R1>;
}

/** Queues of Gaussian vectors, scaled to unit length. */
export function createQueues(outDim: number, length: number, rng: Rng): Queues {
  const create = (name: string) => {
    const stream = rng.fork(name);
    const values = Float32Array.from({ length: length * outDim }, () => stream.normal());
    return tf.tidy(() => {
      const keys = l2Normalize(tf.tensor2d(values, [length, outDim]));
      return tf.variable(keys.transpose<tf.Tensor2D>(), false);
    });
  };
  return {
    queue1: create("queue1"),
    queue2: create("queue2"),
    queue_ptr: buffer<tf.Rank.R1>([1], 0),
  };
}

/**
 * Overwrites the oldest keys by those of a batch.
 *
 * @param keys Of first and of second views, of unit length, `[B, P]` each; B divides K.
 */
export function enqueue(
  { queue1, queue2, queue_ptr }: Queues,
  keys: readonly [tf.Tensor2D, tf.Tensor2D],
): void {
  const at = queue_ptr.dataSync()[0]!;
  const [count] = keys[0].shape;
  const length = queue1.shape[1];
  [queue1, queue2].forEach((queue, view) =>
    tf.tidy(() => {
      const [before, , after] = tf.split(queue, [at, count, length - at - count], 1);
      queue.assign(tf.concat2d([before, keys[view]!.transpose(), after] as tf.Tensor2D[], 1));
    })
  );
  tf.tidy(() => queue_ptr.assign(tf.tensor1d([(at + count) % length])));
}
