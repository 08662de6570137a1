/**
 * What the kernel does to a notebook, and that importing this room mends it: each test failed
 * without its remedy.
 */
import { fromFileUrl } from "@std/path";
import { jupyterEnv, kernelName, notebooksDir, python } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

interface Cell {
  readonly code: string;
  /** Seconds after which the interrupt button is pressed. */
  readonly interrupt?: number;
}

interface Message {
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- the shape depends on `type`; see Jupyter's messaging protocol
  readonly content: any;
}

interface Result {
  readonly status: "ok" | "error" | "dead";
  readonly seconds: number;
  readonly afterInterrupt: number | null;
  /** Before the kernel said "idle". */
  readonly own: readonly Message[];
  /** After it: lost, or under another cell. */
  readonly late: readonly Message[];
}

const first = 'import { print, saveFigure, plot, show, watch } from "lib/report/mod.ts";';

/** The folder of own_kernel.py. */
const ownKernel = fromFileUrl(new URL("../../setup/notebooks", import.meta.url));

/** Runs the cells in one kernel that has imported this room. */
async function run(...cells: readonly Cell[]): Promise<Result[]> {
  const outputs = await Deno.makeTempDir();
  const child = new Deno.Command(python, {
    args: [fromFileUrl(new URL("read_until_idle.py", import.meta.url))],
    env: { ...jupyterEnv(), PYTHONPATH: ownKernel, BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const request = { kernel: kernelName, cwd: notebooksDir, cells: [{ code: first }, ...cells] };
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(JSON.stringify(request)));
  await stdin.close();
  const { stdout } = await child.output();
  await Deno.remove(outputs, { recursive: true });
  return (JSON.parse(new TextDecoder().decode(stdout)) as Result[]).slice(1);
}

function text({ own }: Result): string {
  return own.filter(({ type }) => type === "stream").map(({ content }) => content.text).join("");
}

/**
 * A verb of `count` steps of 20 ms each that keeps its place in `step`, a variable of the notebook.
 */
const verb = `let step = 0;
const verb = (count) => async ({ onEvent, signal }) => {
  while (step < count && !signal.aborted) {
    const start = performance.now();
    while (performance.now() - start < 20);
    step++;
    await onEvent({ step, totalSteps: count, metrics: { loss: 1 / step } });
  }
  return step;
};`;

Deno.test("all output arrives before the cell is idle: lines, results, displays", async () => {
  const lines = "for (let i = 0; i < 2000; i++) console.log('line', i);";
  const results = await run(
    ...Array.from({ length: 5 }, () => ({ code: lines })),
    ...Array.from({ length: 10 }, (_, i) => ({ code: `console.error("e"); ${i}` })),
    {
      code:
        "for (let i = 0; i < 200; i++) await show({ 'text/plain': 'x'.repeat(9e3) }, { id: 'a', update: i > 0 });",
    },
    { code: "await saveFigure('kernel_test', plot({ marks: [] })); 1" },
  );
  assertEquals(results.map(({ late }) => late.length), results.map(() => 0));
  const expected = Array.from({ length: 2000 }, (_, i) => `line ${i}\n`).join("");
  for (const result of results.slice(0, 5)) assertEquals(text(result), expected);
  const figure = results.at(-1)!.own[0]!.content.data;
  assertTrue("image/svg+xml" in figure && "image/png" in figure, "SVG and PNG together");
});

Deno.test("an uncaught throw or rejection is printed and does not stall the kernel", async () => {
  const wait = "await new Promise((resolve) => setTimeout(resolve, 150)); 1";
  const [thrown, rejected, next] = await run(
    { code: `setTimeout(() => { throw new RangeError("boom"); }, 20); ${wait}` },
    { code: `Promise.reject(new TypeError("no")); ${wait}` },
    { code: "2" },
  );
  assertTrue(text(thrown!).includes("Uncaught RangeError: boom"), text(thrown!));
  assertTrue(text(rejected!).includes("Uncaught TypeError: no"), text(rejected!));
  assertTrue(thrown!.seconds + next!.seconds < 20, `${thrown!.seconds} s, ${next!.seconds} s`); // a stall takes 30
});

Deno.test("the interrupt stops a watched verb; kernel, state and display live", async () => {
  const [, stopped, state, resumed] = await run(
    { code: verb },
    { code: "await watch('a run', verb(2000)); step = -1", interrupt: 1 },
    { code: "step" },
    { code: "await watch('a run', verb(step + 5))" },
  );
  assertEquals([stopped!.status, state!.status, resumed!.status], ["error", "ok", "ok"]);
  assertTrue(stopped!.afterInterrupt! < 20, `stopped after ${stopped!.afterInterrupt} s`); // of 40
  const bars = stopped!.own.map(({ content }) => content.data?.["text/plain"] ?? "");
  assertTrue(bars.some((bar) => bar.includes("run the cell again to go on")), bars.join("\n"));
  const { ename, evalue, traceback } = stopped!.own.at(-1)!.content;
  assertEquals([ename, traceback], ["Interrupted", [`Interrupted: ${evalue}`]]);
  assertTrue(
    /^a run: saved at step \d+ of 2,000; run the cell again to go on$/.test(evalue),
    evalue,
  );
  const steps = Number(state!.own[0]!.content.data["text/plain"]);
  assertTrue(steps > 0 && steps < 2000, `stopped at step ${steps}`);
  assertEquals(Number(resumed!.own.at(-1)!.content.data["text/plain"]), steps + 5);
});

Deno.test("the interrupt during any other cell leaves the kernel alive and says so", async () => {
  const loop =
    "for (let i = 0; i < 60; i++) await new Promise((resolve) => setTimeout(resolve, 50));";
  const [cell, next] = await run({ code: loop, interrupt: 0.3 }, { code: "7" });
  assertTrue(text(cell!).includes("restart the kernel"), text(cell!));
  assertEquals(next!.own[0]!.content.data["text/plain"], "7");
});

Deno.test("watch() draws in place, leaves one bar and one picture, complete and small", async () => {
  const [, watched] = await run({ code: verb }, { code: "await watch('a run', verb(150))" });
  assertEquals(watched!.late, []);
  const shown = watched!.own.filter(({ type }) => type === "display_data");
  const updates = watched!.own.filter(({ type }) => type === "update_display_data");
  assertEquals(shown.length, 2);
  assertTrue(updates.length >= 5, `${updates.length} updates in 3 s`);
  const { data } = updates.at(-1)!.content;
  assertTrue(JSON.stringify(data).length < 1e5, "under 100 kB in a committed notebook");
  const bars = updates.filter(({ content }) => "text/html" in content.data);
  const text = bars.at(-1)!.content.data["text/plain"];
  assertTrue(text.startsWith("a run: step 150 of 150 · loss 0.007"), text);
});

Deno.test("a verb that throws leaves its display complete, before the cell's error", async () => {
  const fails = `await watch("a run", async ({ onEvent }) => {
    for (let step = 1; step <= 500; step++) {
      await onEvent({ step, totalSteps: 900, metrics: { loss: Math.sin(step) } });
      console.log("step", step);
      await show({ "text/plain": "x" }, { id: "x", update: true });
    }
    throw new RangeError("loss is NaN");
  })`;
  const cells = await run(...Array.from({ length: 3 }, () => ({ code: fails })));
  assertEquals(
    cells.map(({ status, late }) => [status, late.length]),
    cells.map(() => ["error", 0]),
  );
  assertTrue(JSON.stringify(cells[0]!.own).includes("failed after"), "the bar says so");
});
