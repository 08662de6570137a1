import { failure, mustRun } from "./command.ts";
import { hasNvidiaDriver } from "./engine_choice.ts";
import { remove } from "./files.ts";
import { missingPrerequisites } from "./prerequisites.ts";
import { installArguments } from "./python_environment.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** Writes a program that answers every call with this output and exit code. */
async function pretend(output: string, code: number): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, `#!/bin/sh\necho '${output}'\nexit ${code}\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

Deno.test("missingPrerequisites() names all missing programs, each with its command", async () => {
  const missing = await missingPrerequisites({
    compiler: "no-such-g++",
    candidates: ["no-python"],
  });
  assertEquals(missing.map(({ mend }) => mend), [
    "sudo apt-get install python3 python3-venv",
    "sudo apt-get install g++",
  ]);
});

Deno.test("missingPrerequisites() distinguishes an old Python from one without venv", async () => {
  const old = await pretend("False", 0);
  const bare = await pretend("True", 1);
  const whats = async (candidates: string[]) =>
    (await missingPrerequisites({ candidates })).map(({ what }) => what);
  assertEquals(await whats([old]), ["Python 3.11 or newer"]);
  assertEquals(await whats([old, bare]), [`the venv module of ${bare}`]);
  await Promise.all([remove(old), remove(bare)]);
});

Deno.test("a failed program without network says so, and another shows its last lines", async () => {
  const offline = failure("fetch it", "pip", 1, "a\nNewConnectionError: Temporary failure\nb");
  assertTrue(offline.startsWith("Cannot fetch it: no network."), offline);
  const other = failure("build it", "g++", 2, "x.cc:1: error");
  assertEquals(other, "Cannot build it: g++ ended with code 2\n    x.cc:1: error");
  await assertRejects(
    () => mustRun("try", "no-such-program", []),
    Error,
    "Cannot try: no-such-program ended with code 127",
  );
});

Deno.test("the GPU build is chosen by the driver's folder or by a tool that works", async () => {
  const [works, broken] = [await pretend("GPU 0", 0), await pretend("no driver", 9)];
  assertEquals(await hasNvidiaDriver({ folder: "/no/such", tool: broken }), false);
  assertEquals(await hasNvidiaDriver({ folder: "/no/such", tool: "no-such-tool" }), false);
  assertEquals(await hasNvidiaDriver({ folder: "/no/such", tool: works }), true);
  assertEquals(await hasNvidiaDriver({ folder: "/", tool: broken }), true);
  await Promise.all([remove(works), remove(broken)]);
  assertTrue(installArguments("gpu", "x").at(-1)!.startsWith("tensorflow[and-cuda]=="), "gpu");
  assertTrue(installArguments("cpu", "x").at(-1)!.startsWith("tensorflow-cpu=="), "cpu");
});
