import { createDepthwiseConv2d } from "lib/nn/conv.ts";
import { checkKernelSize, isKernelSize } from "lib/nn/kernel_size.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

Deno.test("isKernelSize() takes odd whole numbers from 1", () => {
  const sides = [1, 3, 31, 0, -1, 2, 2.5, NaN, Infinity, "9", undefined, null, [9]];
  assertEquals(sides.filter(isKernelSize), [1, 3, 31]);
});

Deno.test("checkKernelSize() names the attempt, the rule and the side; a depthwise convolution asks it", () => {
  const text =
    "Cannot build it: the kernel size must be an odd whole number of at least 1, current size is";
  assertThrows(() => checkKernelSize("Cannot build it", [3, 4]), RangeError, `${text} 3,4`);
  assertThrows(() => checkKernelSize("Cannot build it", "9"), RangeError, `${text} "9"`);
  const create = () => createDepthwiseConv2d([5, 8], 4, createRng(0));
  assertThrows(
    create,
    RangeError,
    "Cannot centre a depthwise kernel: the kernel size must be an odd",
  );
});
