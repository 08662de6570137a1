/** MoBY's queues of keys. P length of a key, K keys in a queue, B images in a batch. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { buffer } from "lib/nn/init.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { readsAtOnce } from "lib/train/reading.ts";

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
  const [count] = keys[0].shape;
  const length = queue1.shape[1];
  if (!readsAtOnce()) return enqueueOnDevice({ queue1, queue2, queue_ptr }, keys);
  const at = queue_ptr.dataSync()[0]!;
  [queue1, queue2].forEach((queue, view) =>
    tf.tidy(() => {
      const [before, , after] = tf.split(queue, [at, count, length - at - count], 1);
      queue.assign(tf.concat2d([before, keys[view]!.transpose(), after] as tf.Tensor2D[], 1));
    })
  );
  tf.tidy(() => queue_ptr.assign(tf.tensor1d([(at + count) % length])));
}

/** {@linkcode enqueue} where the pointer is not read: every column chooses what it becomes. */
function enqueueOnDevice(
  { queue1, queue2, queue_ptr }: Queues,
  keys: readonly [tf.Tensor2D, tf.Tensor2D],
): void {
  const [count] = keys[0].shape;
  const length = queue1.shape[1];
  tf.tidy(() => {
    // Which key of the batch is to come into each column; those of `count` and above stay as they are.
    const key = tf.range(0, length).sub(queue_ptr).add(length).mod(length); // [K]
    const stays = key.greaterEqual(count);
    const taken = key.minimum(count - 1).toInt();
    [queue1, queue2].forEach((queue, view) => {
      const moved = tf.gather(keys[view]!, taken).transpose(); // [P, K]
      queue.assign(tf.where(stays, queue, moved) as tf.Tensor2D);
    });
    queue_ptr.assign(queue_ptr.add(count).mod(length));
  });
}
