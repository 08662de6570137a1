import * as tf from "lib/tf.ts";
import { anyOf, largestOf, numberOfFirst, requireSame } from "./agree.ts";
import { alone, type World } from "./world.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

/** Process 0 of two; the other one answers each call with what `other` makes of its numbers. */
function beside(other: (own: tf.Tensor) => tf.Tensor): World {
  return { ...alone, size: 2, gather: (x) => tf.concat([x, other(x)]) as typeof x };
}

Deno.test("anyOf() is true if one process says yes; alone it asks nobody", () => {
  const [yes, no] = [1, 0].map((answer) => beside((x) => tf.fill(x.shape, answer)));
  assertEquals([anyOf(yes!, false), anyOf(no!, true), anyOf(no!, false)], [true, true, false]);
  assertEquals([anyOf(alone, true), anyOf(alone, false)], [true, false]);
});

Deno.test("numberOfFirst() is process 0's number", () => {
  assertEquals(numberOfFirst(beside((x) => x.add(1)), 123_456), 123_456);
  assertEquals(numberOfFirst(alone, 3), 3);
});

Deno.test("largestOf() is the same in all processes, whichever has it", () => {
  assertEquals(largestOf(beside((x) => x.add(1)), 140), 141);
  assertEquals(largestOf(beside((x) => x.sub(1)), 140), 140);
  assertEquals(largestOf(alone, 3), 3);
});

Deno.test("requireSame() names the processes that have something else", () => {
  const content = ["name", new Uint8Array([1, 2])];
  const { numTensors } = tf.memory();
  requireSame(beside((x) => x.clone()), "state", content);
  assertThrows(
    () => requireSame(beside((x) => x.add(tf.tensor1d([0, 0, 0, 1]))), "state", content),
    Error,
    "process 1 has another state than process 0",
  );
  assertEquals(tf.memory().numTensors, numTensors);
});
