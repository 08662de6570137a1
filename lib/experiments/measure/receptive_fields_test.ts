import { receptiveFields } from "lib/experiments/measure/receptive_fields.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import * as tf from "lib/tf.ts";

Deno.test("receptiveFields() grows with the kernel, repeats itself, and leaves no tensor", async () => {
  const before = tf.memory().numTensors;
  const [small, large] = await receptiveFields([3, 15], { scale: "smoke", seed: 0 });
  assertTrue(small!.half < large!.half && small!.most < large!.most, "the larger reaches further");
  assertEquals(await receptiveFields([3], { scale: "smoke", seed: 0 }), [small]);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("receptiveFields() refuses an unknown scale", async () => {
  const run = () => receptiveFields([3], { scale: "huge" as "smoke", seed: 0 });
  await assertRejects(run, RangeError, "use smoke, laptop, paper");
});
