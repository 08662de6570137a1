/** How many tensors a computation leaves behind, and how often it reads their values. */
import assert from "node:assert/strict";
import * as tf from "lib/tf.ts";

/** Fails if a second call of `run` leaves tensors behind (the first may fill caches). */
export function assertNoLeak(run: () => void): void {
  run();
  const before = tf.memory().numTensors;
  run();
  assert.equal(tf.memory().numTensors - before, 0, "tensors left behind");
}

/** {@linkcode assertNoLeak} for an asynchronous computation. */
export async function assertNoLeakAsync(run: () => Promise<unknown>): Promise<void> {
  await run();
  const before = tf.memory().numTensors;
  await run();
  assert.equal(tf.memory().numTensors - before, 0, "tensors left behind");
}

/** Counts until it is disposed of. */
export interface ReadCounter extends Disposable {
  reads: number;
}

/**
 * Begins to count. It counts at tfjs's engine, through which `data` and `dataSync` go. Kernels of
 * TensorFlow's backend also read among themselves, as `GatherV2` does to check its indices; WebGPU's
 * cannot.
 */
export function countReads(): ReadCounter {
  const engine = tf.tfjsEngine();
  const { read, readSync } = engine;
  const counter = {
    reads: 0,
    [Symbol.dispose]: () => void Object.assign(engine, { read, readSync }),
  };
  engine.read = (id) => {
    counter.reads++;
    return read.call(engine, id);
  };
  engine.readSync = (id) => {
    counter.reads++;
    return readSync.call(engine, id);
  };
  return counter;
}
