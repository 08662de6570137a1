import { textOf } from "./cell_outputs.ts";
import { remove } from "lib/setup/install/files.ts";
import { type Notebook, readNotebook, writeNotebook } from "./notebook.ts";
import { notebookMetadata, outputsDir, root } from "lib/setup/install/project.ts";
import { reproduce } from "lib/setup/reproduce.ts";
import { runCells } from "./run_notebook.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const cwd = `${root}/lib`; // any folder below deno.json

Deno.test("runCells() loses no line of chatty cells, and each stays in its own cell", async () => {
  const chatty = 'for (let i = 0; i < 200; i++) console.log("line", i);';
  const expected = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join("");
  const results = await runCells(Array(5).fill(chatty), { cwd });
  for (const { outputs } of results) assertEquals(textOf(outputs), expected);
});

Deno.test("runCells() waits for output after the end of a cell", async () => {
  const late = 'setTimeout(() => console.log("late"), 20); "result"';
  const [first, second] = await runCells([late, '"next"'], { cwd });
  assertEquals(textOf(first!.outputs), '"result"\nlate\n');
  assertEquals(textOf(second!.outputs), '"next"\n');
});

Deno.test("runCells() stops at a failing cell, with its error and what it printed before", async () => {
  const cells = ['console.log("before"); throw new TypeError("boom")', '"never"'];
  const results = await runCells(cells, { cwd });
  assertEquals(results.map(({ status, error }) => [status, error]), [["error", "TypeError: boom"]]);
  const said = textOf(results[0]!.outputs).trim().split("\n"); // the kernel may publish the error first
  assertEquals(said.sort(), ["TypeError: boom", "before"]);
});

Deno.test("runCells() tells a kernel that died and a cell that takes too long", async () => {
  const [died] = await runCells(["Deno.exit(3)"], { cwd });
  assertEquals([died!.status, died!.error], ["dead", "the kernel died"]);
  const [slow] = await runCells(["while (true);"], { cwd, timeoutSeconds: 1 });
  assertEquals(slow!.status, "timeout");
});

Deno.test("runCells() interrupts: a cell that listens ends itself, and no other is run", async () => {
  const listening = `
    const stopped = new Promise((resolve) => Deno.addSignalListener("SIGINT", resolve));
    console.log("listening");
    await stopped;
    console.log("saved");`;
  const interrupt = new AbortController();
  const results = await runCells([listening, '"never"'], {
    cwd,
    signal: interrupt.signal,
    onMessage: ({ type }) => type === "stream" && interrupt.abort(),
  });
  assertEquals(results.length, 1);
  assertEquals(textOf(results[0]!.outputs), "listening\nsaved\n");
});

Deno.test("runCells() ends a cell that does not listen, on kill", async () => {
  const kill = new AbortController();
  const results = await runCells(['console.log("busy"); while (true);'], {
    cwd,
    kill: kill.signal,
    onStart: () => setTimeout(() => kill.abort(), 500),
  });
  assertEquals(results.map(({ status }) => status), ["dead"]);
});

function notebookOf(...sources: string[]): Notebook {
  const cells = sources.map((source) => ({
    cell_type: "code" as const,
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
  }));
  return { cells, metadata: notebookMetadata, nbformat: 4, nbformat_minor: 5 };
}

async function reproduceCells(sources: string[], passes = 1, signal?: AbortSignal) {
  await Deno.mkdir(outputsDir, { recursive: true });
  const dir = await Deno.makeTempDir({ dir: outputsDir, prefix: ".test-" }); // the kernel needs deno.json above
  const path = `${dir}/00_tiny.ipynb`;
  await writeNotebook(path, notebookOf(...sources));
  const result = await reproduce(path, { scale: "smoke", passes, signal, outputDir: `${dir}/out` });
  const copy = await readNotebook(result.copy);
  await remove(dir);
  return { ...result, cells: copy.cells };
}

Deno.test("reproduce() hands on the scale, runs twice in one kernel, writes the first pass", async () => {
  const counting = "globalThis.runs = (globalThis.runs ?? 0) + 1; globalThis.runs";
  const scale = 'Deno.env.get("BCSSL_SCALE")';
  const { failure, results, cells } = await reproduceCells([scale, counting], 2);
  assertEquals(failure, undefined);
  assertEquals(results.map(({ outputs }) => textOf(outputs)), [
    '"smoke"\n',
    "1\n",
    '"smoke"\n',
    "2\n",
  ]);
  assertEquals(cells.map((cell) => cell.execution_count), [1, 2]);
  assertEquals(cells.map((cell) => textOf(cell.outputs!)), ['"smoke"\n', "1\n"]);
});

Deno.test("reproduce() names the failing cell, its error and its source", async () => {
  const { failure, cells } = await reproduceCells([
    "1",
    "const x = 2;\nthrow new Error(`no ${x}`);",
  ]);
  assertTrue(failure!.startsWith("Cannot finish 00_tiny: cell 2 failed: Error: no 2\n"), failure!);
  assertTrue(failure!.includes("| const x = 2;"), failure!);
  assertEquals(cells[1]!.outputs![0]!.output_type, "error");
});

Deno.test("reproduce() points at a syntax error", async () => {
  const { failure } = await reproduceCells(["1", "const y = 1;\nconst x = ;"]);
  const first = "Cannot finish 00_tiny: cell 2 failed: SyntaxError: ";
  assertTrue(failure!.startsWith(`${first}Expression expected (line 2, column 11)`), failure!);
  assertTrue(failure!.endsWith("2 | const x = ;\n      |           ~"), failure!);
});

Deno.test("reproduce() stops at once when it is interrupted, in one line that says what is saved", async () => {
  const begun = await Deno.makeTempFile();
  const training = `import { watch } from "lib/report/mod.ts";
for (const seed of [0, 1]) {
  await watch(\`seed \${seed}\`, async ({ onEvent, signal }) => {
    Deno.writeTextFileSync(${JSON.stringify(begun)}, \`\${seed}\`);
    for (let step = 1; !signal.aborted; step++) await onEvent({ step, totalSteps: 9e9, metrics: {} });
  });
}`;
  const stop = new AbortController();
  const poll = setInterval(() => Deno.readTextFileSync(begun) && stop.abort(), 50);
  const { failure, results } = await reproduceCells(["1", training, "3"], 1, stop.signal);
  clearInterval(poll);
  const line =
    /^Cannot finish 00_tiny: cell 2: Interrupted: seed 0: saved at step [\d,]+ of 9,000,000,000; the same command goes on$/;
  assertTrue(line.test(failure!), failure!);
  assertEquals(results.length, 2);
  assertEquals(await Deno.readTextFile(begun), "0", "the second run has not begun");
  await Deno.remove(begun);
});
