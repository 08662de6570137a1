/** The mean over processes of many tensors, in few calls: a call takes a millisecond by itself. */
import * as tf from "lib/tf.ts";
import type { World } from "./world.ts";

/**
 * Most numbers in a call. With more the memory no longer fits the processor's cache: 28 million at
 * once take four times as long as in such pieces.
 */
const numbersInCall = 1 << 20;

/**
 * The mean of each tensor over all processes, which must have tensors of the same shapes.
 *
 * @param tensors fp32, borrowed
 * @returns In the same order; the caller owns them.
 */
export function meanOfAll(tensors: readonly tf.Tensor[], world: World): tf.Tensor[] {
  const means: tf.Tensor[] = [];
  for (const bucket of buckets(tensors)) {
    const ofBucket = tf.tidy(() => {
      const flat = joined(bucket.map((x) => x.flatten()));
      const sizes = bucket.map(({ size }) => size);
      const parts = split(meanOf(flat, world), sizes);
      return parts.map((part, i) => part.reshape(bucket[i]!.shape));
    });
    means.push(...ofBucket);
  }
  return means;
}

/** Neighbouring tensors that fit into one call together; one that is larger is by itself. */
function buckets(tensors: readonly tf.Tensor[]): tf.Tensor[][] {
  const all: tf.Tensor[][] = [];
  let room = 0;
  for (const x of tensors) {
    if (x.size > room) {
      all.push([]);
      room = numbersInCall;
    }
    all.at(-1)!.push(x);
    room -= x.size;
  }
  return all;
}

function meanOf(x: tf.Tensor1D, world: World): tf.Tensor1D {
  const calls = Math.ceil(x.size / numbersInCall);
  if (calls <= 1) return world.mean(x);
  const sizes = Array.from(
    { length: calls },
    (_, i) => Math.min(numbersInCall, x.size - i * numbersInCall),
  );
  return joined(split(x, sizes).map((part) => world.mean(part)));
}

function split(x: tf.Tensor1D, sizes: readonly number[]): tf.Tensor1D[] {
  return sizes.length === 1 ? [x] : tf.split(x, [...sizes]);
}

function joined(parts: readonly tf.Tensor1D[]): tf.Tensor1D {
  return parts.length === 1 ? parts[0]! : tf.concat1d([...parts]);
}
