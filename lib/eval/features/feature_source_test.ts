import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import { type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { readFeatures } from "lib/testing/evaluation.ts";

const rng = createRng(0);
const images: ImageSet = {
  name: "noise",
  height: 4,
  width: 4,
  pixels: Uint8Array.from({ length: 50 * 48 }, () => rng.int(256)),
  labels: Int32Array.from({ length: 50 }, () => rng.int(3)),
  classNames: ["a", "b", "c"],
  ids: Array.from({ length: 50 }, (_, i) => `${i}`),
};
const means = (x: tf.Tensor4D) => x.mean<tf.Tensor2D>([1, 2]);

Deno.test("readFeatureBank() gives the same bank in memory and in a file, which it removes", async () => {
  const folder = Deno.makeTempDirSync();
  const expected = readFeatures(means, images);
  const numTensors = tf.memory().numTensors;
  const options = { stats: imageNetStats, size: 4, path: `${folder}/bank`, batchSize: 16 };
  for (const inMemory of [4 * 50 * 3, 4 * 50 * 3 - 1]) {
    using bank = await readFeatureBank(means, images, { ...options, inMemory });
    assertEquals([bank.dim, [...bank.labels]], [3, [...images.labels]]);
    assertEquals([...bank.rows(0, 50)], [...expected.features]);
    assertEquals([...Deno.readDirSync(folder)].length, inMemory === 600 ? 0 : 2);
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  assertEquals(tf.memory().numTensors, numTensors);

  let batches = 0;
  const pause = () => ++batches < 3 ? Promise.resolve() : Promise.reject(new Error("stopped"));
  const toFile = { ...options, inMemory: 0 };
  await assertRejects(() => readFeatureBank(means, images, toFile, pause), Error, "stopped");
  assertEquals([...Deno.readDirSync(folder)], []);
  const none = subset(images, []);
  await assertRejects(() => readFeatureBank(means, none, options), RangeError, "no image");
  Deno.removeSync(folder);
});
