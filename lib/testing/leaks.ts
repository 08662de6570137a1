/** Assertions on the number of tensors. */
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
