import { drive, interruptible } from "./pause.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** Steps of a millisecond each, which record how many were taken and whether they were ended. */
function slowSteps(count: number) {
  const seen = { steps: 0, ended: false };
  function* steps(): Generator<number, string> {
    try {
      for (; seen.steps < count; seen.steps++) {
        const end = performance.now() + 1;
        while (performance.now() < end) { /* as long as a step takes */ }
        yield seen.steps;
      }
      return "done";
    } finally {
      seen.ended = true;
    }
  }
  return { seen, steps: steps() };
}

Deno.test("drive() takes every step, pauses now and then, and returns what the steps return", async () => {
  const { steps } = slowSteps(400);
  let pauses = 0;
  const each: number[] = [];
  const pause = () => Promise.resolve(void pauses++);
  assertEquals(await drive(steps, pause, (step) => void each.push(step)), "done");
  assertEquals(each, Array.from({ length: 400 }, (_, i) => i));
  assertTrue(pauses >= 1 && pauses < 400, `${pauses} pauses in 400 steps`);
});

Deno.test("an abort between two macrotasks stops drive(), and the computation cleans up", async () => {
  const { seen, steps } = slowSteps(1000);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 30);
  await assertRejects(
    () => drive(steps, interruptible("the count", stop.signal)),
    Error,
    "Stopped the count: nothing",
  );
  assertTrue(seen.ended && seen.steps < 1000, `stopped after ${seen.steps}`);
});

Deno.test("drive() ends the computation when a hook throws", async () => {
  const { seen, steps } = slowSteps(10);
  const each = () => Promise.reject(new Error("hook"));
  await assertRejects(() => drive(steps, interruptible("it"), each), Error, "hook");
  assertEquals(seen, { steps: 0, ended: true });
});
