import type { TrainHooks } from "lib/runs/events.ts";
import { duration, watch } from "lib/report/watch.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** A verb of ten steps, one of them taken before. */
async function tenSteps({ onStart, onEvent }: TrainHooks): Promise<number> {
  await onStart?.([{ step: 1, metrics: { loss: 9 } }], 10);
  for (let step = 2; step <= 10; step++) {
    await onEvent?.({ step, totalSteps: 10, metrics: { loss: 10 - step } });
  }
  return 10;
}

async function printed(run: () => Promise<unknown>): Promise<string> {
  const lines: unknown[] = [];
  const log = console.log;
  console.log = (line: unknown) => lines.push(line);
  try {
    await run();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

Deno.test("watch() returns what the verb returns, and says what was done", async () => {
  let result: number | undefined;
  const text = await printed(async () => result = await watch("a run", tenSteps));
  assertEquals(result, 10);
  assertTrue(text.includes("a run: step 10 of 10 · loss 0.000 · from step 1, 9 steps in"), text);
});

Deno.test("an interrupt asks the verb to stop, and the display says how to go on", async () => {
  // In a process of its own: the test runner keeps SIGINT for itself.
  const program = `
    import { watch } from "lib/report/watch.ts";
    const result = await watch("a run", async ({ onEvent, signal }) => {
      for (let step = 1; step <= 10; step++) {
        if (step === 4) Deno.kill(Deno.pid, "SIGINT");
        await onEvent({ step, totalSteps: 10, metrics: { loss: 1 } });
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (signal.aborted) return step;
      }
      return 10;
    });
    console.log("returned", result);`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertTrue(text.includes("run the cell again to go on"), text);
  assertTrue(/returned [4-9]\n/.test(text), text);
});

Deno.test("watch() says of a verb that throws when it is stopped that it was stopped, not that it failed", async () => {
  const program = `
    import { watch } from "lib/report/watch.ts";
    await watch("a probe", async ({ signal }) => {
      Deno.kill(Deno.pid, "SIGINT");
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (signal.aborted) throw new Error("Stopped the linear probe: nothing of it is kept");
    }).catch(({ message }) => console.log(message));`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertTrue(/a probe: stopped after \d+ s: run the cell again\n/.test(text), text);
  assertTrue(text.includes("nothing of it is kept") && !text.includes("failed"), text);
});

Deno.test("watch() passes an error on, after saying so", async () => {
  const fail = () => Promise.reject(new RangeError("the loss is NaN"));
  const text = await printed(() =>
    assertRejects(() => watch("a run", fail), RangeError, "the loss is NaN")
  );
  assertTrue(text.includes("failed after 0 s; what was saved stands"), text);
});

Deno.test("watch() shows what the verb warns of", async () => {
  const warning = ({ onWarning }: TrainHooks) => {
    onWarning?.("Step 110: Collapse");
    return Promise.resolve(1);
  };
  const text = await printed(() => watch("a run", warning));
  assertTrue(text.includes("Step 110: Collapse"), text);
});

Deno.test("duration() is short", () => {
  assertEquals([7.4, 89, 750, 11_520].map(duration), ["7 s", "89 s", "12.5 min", "3.2 h"]);
});
