import * as tf from "lib/tf.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("a tensor keeps none of the memory of the array that it was made from", () => {
  const buffer = new Float32Array(64);
  const address = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
  // Where TensorFlow would share the memory: at a multiple of 64 bytes.
  const first = (64 - address % 64) % 64 / 4;
  const array = buffer.subarray(first, first + 16).fill(1);
  tf.tidy(() => {
    const x = tf.tensor1d(array);
    x.sum().dataSync(); // the numbers go to TensorFlow when they are first used
    array.fill(2);
    assertEquals(x.sum().dataSync()[0], 16);
  });
});
