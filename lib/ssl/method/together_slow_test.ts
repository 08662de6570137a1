/**
 * Training with two processes: the numbers are those of one process with the whole batch. Other
 * methods, three processes, micro-batches and gradients in bf16 are in `together_deep_test.ts`.
 */
import { assertSameSteps, takeSteps } from "lib/testing/distributed/steps_together.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("two processes have the losses of one over twenty steps: by DINO and BYOL with BC-SSL", async () => {
  const methods = ["dino", "byol"];
  const [alone, byTwo] = [await takeSteps(1, ...methods), await takeSteps(2, ...methods)];
  assertEquals(byTwo.map(({ steps }) => steps.length), [20, 20]);
  byTwo.forEach((steps, i) => assertSameSteps(steps, alone[i]!));
});
