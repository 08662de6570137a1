import * as tf from "lib/tf.ts";
import { measureThroughput } from "lib/eval/images_per_second.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";

const sizes = { batchSize: 3, imageSize: 8, warmup: 4, timed: 5 };

/**
 * A model that records its passes; each one moves the clock by one second more than the one before.
 */
function slowModel() {
  const seen: { shape: number[]; training: boolean }[] = [];
  const forward = (x: tf.Tensor4D, { training }: { training: boolean }) => {
    seen.push({ shape: x.shape, training });
    return { stages: [], features: x.mean<tf.Tensor2D>([1, 2]) };
  };
  return { forward, seen, now: () => 1000 * seen.length * (seen.length + 1) / 2 };
}

Deno.test("measureThroughput() times the passes after the warm-up, in evaluation mode", async () => {
  const model = slowModel();
  const before = tf.memory().numTensors;
  const { now } = performance;
  performance.now = model.now;
  const result = await measureThroughput(model, sizes).finally(() => performance.now = now);
  assertEquals(tf.memory().numTensors, before);
  assertEquals(model.seen, Array(9).fill({ shape: [3, 8, 8, 3], training: false }));
  assertClose(result.seconds, 5 + 6 + 7 + 8 + 9);
  assertClose(result.imagesPerSecond, 5 * 3 / 35);
  const { batchSize, imageSize, warmup, timed } = result;
  assertEquals({ batchSize, imageSize, warmup, timed }, sizes);
});

Deno.test("measureThroughput() measures as the reference by default: 50 passes, then 30", async () => {
  const model = slowModel();
  await measureThroughput(model, { batchSize: 1, imageSize: 8 });
  assertEquals(model.seen.length, 80);
});

Deno.test("measureThroughput() stops where its pause throws, and keeps no tensor", async () => {
  const model = slowModel();
  const before = tf.memory().numTensors;
  const pause = () =>
    model.seen.length < 6 ? Promise.resolve() : Promise.reject(new Error("stopped"));
  await assertRejects(() => measureThroughput(model, sizes, pause), Error, "stopped");
  assertEquals([model.seen.length, tf.memory().numTensors], [6, before]);
  await assertRejects(() => measureThroughput(model, { timed: 0 }), RangeError, "timed is 0");
});
