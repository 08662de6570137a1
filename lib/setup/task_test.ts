import { closingLine, readSummary } from "./test_output.ts";
import { root } from "lib/setup/install/project.ts";
import { readArguments } from "lib/task_arguments.ts";
import { complaint } from "./task.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("readArguments() names the options there are when one is unknown", () => {
  const options = { gpu: { type: "boolean" }, port: { type: "string" } } as const;
  assertEquals(readArguments(["--port", "1"], options).values.port, "1");
  assertThrows(
    () => readArguments(["--gpus"], options),
    RangeError,
    "the options are --gpu, --port",
  );
  assertThrows(() => readArguments(["--port"], options), RangeError, "--port");
  assertThrows(() => readArguments(["surplus"], options), RangeError, "surplus");
});

Deno.test("complaint() is a line for a disk that is full or cannot be written, and a stack for our own faults", async () => {
  const full = await Deno.writeTextFile("/dev/full", "x").catch((error) => error);
  for (
    const error of [
      full,
      new Deno.errors.PermissionDenied("Permission denied (os error 13): mkdir '/x/.venv'"),
      new Error("Read-only file system (os error 30): open '/x/.venv/setup.lock'"),
    ]
  ) {
    const line = complaint(error);
    assertTrue(line.startsWith(`Cannot go on: ${error.message}. All that is made`), line);
    assertEquals([line.split("\n").length, line.includes("  at ")], [1, false]);
  }
  assertEquals(complaint(new RangeError("Cannot do it: no")), "Cannot do it: no");
  assertTrue(complaint(new TypeError("x is undefined")).includes("task_test.ts"), "a stack");
});

async function runTask(file: string, ...args: string[]) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${root}/lib/setup/${file}`, ...args],
    cwd: root,
  }).output();
  return { code, message: new TextDecoder().decode(stderr).trimEnd() };
}

for (
  const [file, args, expected] of [
    ["setup.ts", ["--gpu", "--cpu"], "Cannot take both --gpu and --cpu: choose one"],
    ["lab.ts", ["--port", "http"], 'Cannot take port "http": need 0 (any free one) to 65535'],
    [
      "reproduce.ts",
      ["--scale", "huge"],
      'Cannot take scale "huge": there are smoke, laptop, paper',
    ],
    [
      "figures.ts",
      ["--scale", "huge"],
      'Cannot take scale "huge": there are smoke, laptop, paper',
    ],
    [
      "book.ts",
      ["--from", "nowhere"],
      'Cannot take notebooks from "nowhere": there are notebooks, outputs',
    ],
  ] as const
) {
  Deno.test(`${file} ${args.join(" ")} is an error of one line`, async () => {
    assertEquals(await runTask(file, ...args), { code: 1, message: expected });
  });
}

Deno.test("reproduce.ts of an unknown notebook is an error of one line", async () => {
  const { code, message } = await runTask("reproduce.ts", "99_nothing");
  assertEquals([code, message.split("\n").length], [1, 1]);
  assertEquals(message.replace(/there are .*/, ""), 'Cannot find notebook "99_nothing": ');
});

Deno.test("readSummary() reads the counts of Deno's last line, coloured or not", () => {
  const line = "FAILED | 3 passed (2 steps) | 1 failed | 4 ignored (5s)";
  assertEquals(readSummary(line), { passed: 3, failed: 1, skipped: 4 });
  assertEquals(readSummary("\x1b[32mok\x1b[0m | 10 passed | 0 failed \x1b[38m(4s)\x1b[0m"), {
    passed: 10,
    failed: 0,
    skipped: 0,
  });
  assertEquals(readSummary("x ... ok (3ms)"), undefined);
});

Deno.test("closingLine() mentions skipped tests only if there are some", () => {
  assertEquals(closingLine({ passed: 3, failed: 1, skipped: 4 }), "3 passed, 1 failed, 4 skipped");
  assertEquals(closingLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
});

Deno.test("what runs all tests on a bare clone calls the command that the README gives", async () => {
  const readme = await Deno.readTextFile(`${root}/README.md`);
  const command = /^npx --yes deno@\S+ task test/m.exec(readme)?.[0];
  const lines = (await Deno.readTextFile(`${root}/.ci/run`)).split("\n");
  assertEquals(lines.filter((line) => line.includes("npx")), [`exec ${command} --all </dev/null`]);
});
