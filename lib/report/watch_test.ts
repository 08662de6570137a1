import type { TrainHooks } from "lib/runs/events.ts";
import { watch } from "lib/report/watch.ts";
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

/** Runs a script in a process of its own: the test runner keeps SIGINT for itself. */
async function runScript(program: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { watch } from "lib/report/watch.ts";\n${program}`],
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** A verb that is interrupted at its fourth step and then returns, saved. */
const stoppable = `const verb = async ({ onEvent, signal }) => {
  for (let step = 1; step <= 10; step++) {
    if (step === 4) Deno.kill(Deno.pid, "SIGINT");
    await onEvent({ step, totalSteps: 10, metrics: { loss: 1 } });
    while (step === 4 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    if (signal.aborted) return step;
  }
  return 10;
};`;

Deno.test("an interrupt asks the verb to stop; watch() then throws a line without a stack, and nothing behind it runs", async () => {
  const { code, text, errors } = await runScript(`${stoppable}
    await watch("a run", verb);
    console.log("this must not run");`);
  assertTrue(text.includes("a run: step 4 of 10 · loss 1.000 · stopped, and saved: run"), text);
  assertTrue(!text.includes("must not run"), text);
  const line = "Interrupted: a run: saved at step 4 of 10; run the cell again to go on";
  assertTrue(errors.includes(line) && !/\n\s+at /.test(errors), errors);
  assertEquals(code, 1);
});

Deno.test("an interrupt of a verb inside another ends both, and neither says that it failed", async () => {
  const { text } = await runScript(`${stoppable}
    await watch("all runs", async ({ onStart }) => {
      await onStart([], 3);
      for (const seed of [0, 1, 2]) await watch("run " + seed, verb);
    }).catch(({ name, message }) => console.log(name, message));`);
  assertTrue(text.includes("run 0: step 4 of 10 · loss 1.000 · stopped, and saved"), text);
  assertTrue(/all runs: step 0 of 3 · stopped after \d+ s: run the cell again\n/.test(text), text);
  assertTrue(text.endsWith("run the cell again to go on\n"), text);
  assertTrue(!text.includes("run 1") && !text.includes("failed"), text);
});

Deno.test("watch() says of a verb that throws when it is stopped that it was stopped, not that it failed", async () => {
  const { code, text, errors } = await runScript(`await watch("a probe", async ({ signal }) => {
      Deno.kill(Deno.pid, "SIGINT");
      while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
      throw new Error("Stopped the linear probe: nothing of it is kept");
    }).catch(({ name, message, stack }) => console.log([name, message, stack].join("|")));`);
  assertEquals(code, 0, errors);
  assertTrue(/a probe: stopped after \d+ s: run the cell again\n/.test(text), text);
  const said = "Stopped the linear probe: nothing of it is kept";
  assertTrue(text.endsWith(`Interrupted|${said}|Interrupted: ${said}\n`), text);
  assertTrue(!text.includes("failed"), text);
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

Deno.test("watch() says where a run that comes with the project was trained, and counts several", async () => {
  const origin = { commits: ["abc1234def"], date: "2026-11-29", processors: ["AMD EPYC"] };
  const words = "shipped with the project: trained at commit abc1234, 2026-11-29, on AMD EPYC";
  const one = await printed(() =>
    watch("a run", async ({ onShipped, onStart }) => {
      onShipped?.(origin);
      await onStart?.([{ step: 10, metrics: { loss: 1 } }], 10);
    })
  );
  assertTrue(one.includes(`a run: step 10 of 10 · loss 1.000 · ${words}`), one);
  const two = await printed(() =>
    watch("arms", async ({ onShipped, onStart, onEvent }) => {
      await onStart?.([], 3);
      for (let step = 1; step <= 3; step++) {
        if (step < 3) onShipped?.(origin);
        await onEvent?.({ step, totalSteps: 3, metrics: {} });
      }
    })
  );
  assertTrue(
    /arms: step 3 of 3 · 3 steps in .* · 2 runs shipped with the project: /.test(two),
    two,
  );
});
