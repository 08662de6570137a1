/** Tests the test runner on small test files in a temporary folder. */
import "lib/tf.ts"; // before the adapter: TensorFlow ends a process that has loaded Mesa's Vulkan
import { runTests, type TestOptions } from "./run_tests.ts";
import { readReport } from "./test_output.ts";
import {
  expectedSeconds,
  findTests,
  groupTests,
  longOnWebGpu,
  seconds,
  waiting,
} from "./test_plan.ts";
import { root } from "lib/setup/install/project.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { skips } from "lib/testing/gpu/skips.ts";
import { requestAdapter } from "lib/tf_adapter.ts";

const test = (name: string, body: string) => `Deno.test("${name}", async () => {${body}});\n`;

/**
 * Runs files given by name and content, by default without a check of types; returns the counts and
 * what was shown.
 */
async function runFiles(files: Readonly<Record<string, string>>, options: TestOptions = {}) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, content);
    }
    const pieces: string[] = [];
    const write = (piece: string) => void pieces.push(piece);
    const { failures, ...counts } = await runTests([folder], {
      workers: 2,
      types: false,
      write,
      ...options,
    });
    return { pieces, counts, failures, text: pieces.join("") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runTests() adds up the counts of all processes, and shows each file whole", async () => {
  const chatty = (name: string) =>
    test(name, `for (let i = 0; i < 500; i++) console.log("${name}", i);`);
  const { pieces, counts, failures } = await runFiles({
    "a_slow_test.ts": chatty("a"),
    "b_slow_test.ts": chatty("b") + test("no", "throw new Error('boom')"),
    "c_test.ts": 'Deno.test.ignore("later", () => {});',
  }, { types: true });
  assertEquals(counts, { passed: 2, failed: 1, skipped: 1 });
  for (const name of ["a", "b"]) {
    const [piece, ...others] = pieces.filter((piece) => piece.includes(`${name} 7`));
    assertTrue(piece!.includes(`${name} 0`) && piece!.includes(`${name} 499`), "whole");
    assertEquals(others, []);
  }
  assertEquals(failures.length, 1);
  assertTrue(
    /^no => \S*b_slow_test\.ts:2:\d+\n +error: Error: boom$/m.test(failures[0]!),
    failures[0]!,
  );
});

Deno.test("a process that dies is a failure of the file it was in; the files after it run still", async () => {
  const { counts, failures } = await runFiles({
    "a_test.ts": test("before", ""),
    "b_test.ts": test("begins", "") + test("dies", 'Deno.kill(Deno.pid, "SIGKILL");'),
    "c_test.ts": test("after", ""),
  });
  assertEquals(counts, { passed: 3, failed: 1, skipped: 0 }, failures.join("\n"));
  assertEquals(failures.length, 1);
  assertTrue(
    /b_test\.ts: the process of the tests ended with SIGKILL$/.test(failures[0]!),
    failures[0]!,
  );
});

Deno.test("a file that cannot be loaded is a failure that names it", async () => {
  const { counts, text } = await runFiles({ "a_slow_test.ts": 'throw new Error("at once");' });
  assertEquals([counts.passed, counts.failed], [0, 1]);
  assertTrue(text.includes("a_slow_test.ts") && text.includes("at once"), text);
});

Deno.test("a file that cannot be loaded is named, and the files that share its process run", async () => {
  const { counts, failures } = await runFiles({
    "a_test.ts": test("before", ""),
    "b_test.ts": 'throw new Error("at once");',
    "c_test.ts": test("after", ""),
  });
  assertEquals(counts, { passed: 2, failed: 1, skipped: 0 });
  assertTrue(/b_test\.ts can be loaded => /.test(failures.join()), failures.join());
});

Deno.test("short files share a module, and the output names them; with times each has its own", async () => {
  const share = (name: string) =>
    `const all = globalThis as { shared?: number };` +
    test(name, 'all.shared = (all.shared ?? 0) + 1; console.log("shared", all.shared);');
  const files = { "a_test.ts": share("a"), "b_test.ts": share("b") };
  const together = await runFiles(files);
  assertEquals(together.counts, { passed: 2, failed: 0, skipped: 0 });
  assertTrue(
    /running 2 tests from \S*a_test\.ts, \S*b_test\.ts/.test(together.text),
    together.text,
  );
  assertTrue(together.text.includes("shared 2"), together.text);
  const apart = await runFiles(files, { times: true });
  assertEquals(apart.counts, together.counts);
  assertTrue(/ s {2}\S*a_test\.ts/.test(apart.text), apart.text);
  assertTrue(!apart.text.includes("shared 2"), apart.text);
});

Deno.test("an error that comes from no test fails, and keeps no other file's tests from running", async () => {
  const late = 'setTimeout(() => { throw new Error("late"); }); await new Promise(() => {});';
  const { counts, text } = await runFiles({
    "a_test.ts": test("late", late),
    "b_test.ts": test("after", ""),
  });
  assertEquals([counts.passed, counts.failed > 0], [1, true]);
  assertTrue(text.includes("All run again, each in a module of its own"), text);
});

Deno.test("files that fail only when they share a module are a failure", async () => {
  const all = "(globalThis as { loaded?: number })";
  const first = `${all}.loaded = (${all}.loaded ?? 0) + 1;`;
  const { counts, failures } = await runFiles({
    "a_test.ts": first + test("a", ""),
    "b_test.ts": first + test("b", `if (${all}.loaded === 2) Deno.kill(Deno.pid, "SIGKILL");`),
  });
  assertEquals(counts, { passed: 2, failed: 1, skipped: 0 });
  assertTrue(/b_test\.ts: an error came from no test/.test(failures.join()), failures.join());
});

Deno.test("types that do not check are one failure, with the place", async () => {
  const { counts, failures, text } = await runFiles({ "a_test.ts": "const x: number = '1'; x;" }, {
    types: true,
  });
  assertEquals(counts.failed, 1);
  assertEquals(failures, ["types do not check: see above"]);
  assertTrue(/a_test\.ts:1:7/.test(text), text);
});

Deno.test("--fast leaves slow files out, no --all the deep ones; a path that does not exist is named", async () => {
  const files = { "a_slow_test.ts": test("slow", ""), "b_test.ts": test("quick", "") };
  const deep = { "c_deep_test.ts": test("deep", "") };
  assertEquals((await runFiles({ ...files, ...deep }, { fast: true })).counts.passed, 1);
  assertEquals((await runFiles({ ...files, ...deep }, { all: false })).counts.passed, 2);
  assertEquals((await runFiles({ ...files, ...deep })).counts.passed, 3); // their folder is given
  await assertRejects(
    () => runTests(["lib/nowhere"]),
    Error,
    "Cannot test lib/nowhere: there is no",
  );
});

Deno.test("an abort ends the running tests and all processes that they started", async () => {
  const stop = new AbortController();
  const sleeper = test(
    "sleeps",
    `const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
     console.log("asleep");
     Deno.writeTextFileSync(new URL("pid", import.meta.url), String(child.pid));
     await child.status;`,
  );
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a_slow_test.ts`, sleeper);
  const watcher = Deno.watchFs(folder);
  const run = runTests([folder], { signal: stop.signal, write: () => {}, types: false });
  let pid = "";
  for await (const _ of watcher) {
    pid = await Deno.readTextFile(`${folder}/pid`).catch(() => "");
    if (pid !== "") break;
  }
  stop.abort();
  await run;
  assertEquals(isSleeping(pid), false);
  await Deno.remove(folder, { recursive: true });
});

/** Whether the process is running. A zombie, which has ended but not been waited for, is not. */
function isSleeping(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "on WebGPU a test's reads at once are answered, wrong numbers fail, the program's are refused",
  ignore: await requestAdapter() === undefined,
  async fn() {
    const on = (imports: string) => `import * as tf from "lib/tf.ts";\n${imports}`;
    const square = "const x = tf.range(0, 5000).square(); const y = x.arraySync()[2999];\n";
    const world = "{ size: 2, gather: (x) => tf.concat([x, tf.range(0, 5000).slice(1, 1)]) }";
    const { counts, failures, text } = await runFiles({
      "a_test.ts": on("") + test("right", `${square} if (y !== 8994001) throw new Error(y);`) +
        test("wrong", `${square} if (y !== 8994000) throw new Error(y);`) +
        test("is WebGPU", `if (tf.getBackend() !== "webgpu") throw new Error(tf.getBackend());`),
      "b_test.ts": on('import { anyOf } from "lib/distributed/agree.ts";') +
        test("reads itself", `anyOf(${world}, true);`),
      "c_test.ts": test("without the engine", "throw new Error('it ran');"),
      "d_slow_test.ts": on("") + test("slow", "throw new Error('it ran');"),
    }, { engine: "webgpu", fast: true });
    assertEquals(counts, { passed: 2, failed: 2, skipped: 0 });
    assertEquals(failures.map((line) => line.split(" => ", 1)[0]).sort(), [
      "reads itself",
      "wrong",
    ]);
    for (
      const part of ["Cannot read a tensor at once", "Error: 8994001", "1 of 3 files do not use"]
    ) {
      assertTrue(text.includes(part), `"${part}" in: ${text}`);
    }
  },
});

Deno.test("readReport() counts by the tests' own lines where there is no summary", async () => {
  async function* lines() {
    yield* ["running 3 tests from ./lib/a_test.ts", "one ... \x1b[32mok\x1b[0m (3ms)"];
    yield* ["two ...", "------- output -------", "three | ok", "two ... FAILED (1ms)", "last ..."];
  }
  const { passed, failed, complete, begun } = await readReport(lines(), () => {});
  assertEquals({ passed, failed, complete }, { passed: 1, failed: 1, complete: false });
  assertEquals(begun, ["./lib/a_test.ts"]);
});

Deno.test("groupTests() begins with what takes longest, gives it a process, and loses no file", () => {
  const known: Record<string, number> = { a: 1, b: 90, c: 1, d: 39, e: 40, f: 0.5 };
  const groups = groupTests(Object.keys(known), (file) => known[file]!);
  assertEquals(groups, [["b"], ["e"], ["d", "f"], ["a", "c"]]);
});

Deno.test("findTests() finds every test file of lib once, and all files with a known time exist", async () => {
  const files = await findTests(["lib", "./lib/rng_test.ts"], root);
  assertEquals(new Set(files).size, files.length);
  assertTrue(files.includes(`${root}/lib/rng_test.ts`), "a file at the top");
  assertTrue(files.includes(`${root}/lib/nn/nn_test.ts`), "a file in a folder");
  assertEquals(groupTests(files).flat().sort(), files);
  const named = [...Object.keys(seconds), ...waiting, ...longOnWebGpu, ...Object.keys(skips)];
  const gone = named.filter((name) => !files.includes(`${root}/${name}`));
  assertEquals(gone, []);
  assertEquals(expectedSeconds(`${root}/${Object.keys(seconds)[0]}`), Object.values(seconds)[0]);
});
