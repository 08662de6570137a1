import { bcSslConfig } from "lib/models/mod.ts";
import { tinyStep } from "./cases.ts";
import { measure } from "./scaling_bench.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const full = tinyStep(3, 2);
const subject = {
  ...full,
  model: { ...bcSslConfig("tiny", { kernelSize: 3 }), depths: [1, 1], dims: [8, 12] },
  head: { ...full.head, hiddenDim: 10, bottleneckDim: 6, outDim: 20 },
  ...{ globalSize: 32, localSize: 16, localCrops: 1 },
} as typeof full;

Deno.test("measure() times each step, and notes the calls of one step of two processes", async () => {
  const [alone] = await measure({ subject, steps: 2 }, 1);
  assertEquals([alone!.seconds.length, alone!.calls, alone!.callSeconds], [2, [], 0]);
  const both = await measure({ subject, steps: 2 }, 2);
  assertEquals(both.map(({ seconds }) => seconds.length), [2, 2]);
  // Two BatchNorms in the teacher's pass and two passes of the student's, forward and backward;
  // numbers, features, gradients.
  assertEquals(both.map(({ calls }) => calls.length), [13, 13]);
  assertTrue(both.every(({ callSeconds }) => callSeconds > 0), "a call takes time");
  const [packed] = await measure({ subject, steps: 1, gradients: "bf16" }, 2);
  assertEquals(packed!.calls.map(({ operation }) => operation).at(-1), "begun packed mean");
});

Deno.test("measure() says which process could not take a step, and why", async () => {
  const odd = { ...subject, model: { ...subject.model, kernelSize: 4 } } as typeof full;
  await assertRejects(
    () => measure({ subject: odd, steps: 1 }, 1),
    Error,
    "process 0 ended with 1",
  );
});
