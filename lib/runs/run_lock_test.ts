import { lockHolder, takeRunLock } from "./run_lock.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

async function inFolder(run: (path: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await run(`${folder}/lock`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Runs a test while another process has the lock. */
async function holder(path: string): Promise<Deno.ChildProcess> {
  const program = `
    import { takeRunLock } from "lib/runs/run_lock.ts";
    const lock = takeRunLock(${JSON.stringify(path)}, "a-run");
    console.log(lock.takenOver ?? "taken");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { value } = await child.stdout.getReader().read();
  assertTrue(new TextDecoder().decode(value).startsWith("taken"), "the other process has it");
  return child;
}

Deno.test("takeRunLock() lets one in at a time, in one process too", () =>
  inFolder((path) => {
    {
      using lock = takeRunLock(path, "a-run");
      assertEquals(lock.takenOver, undefined);
      assertThrows(() => takeRunLock(path, "a-run"), Error, "Cannot write run a-run: this process");
    }
    using again = takeRunLock(path, "a-run");
    assertEquals(again.takenOver, undefined); // it was given back
  }));

Deno.test("takeRunLock() names a living holder, and takes over from a dead one", () =>
  inFolder(async (path) => {
    const other = await holder(path);
    assertThrows(() => takeRunLock(path, "a-run"), Error, `process ${other.pid} on`);
    other.kill("SIGKILL");
    await other.status;
    await other.stdout.cancel().catch(() => {});
    using lock = takeRunLock(path, "a-run");
    assertTrue(lock.takenOver!.includes(`process ${other.pid} on`), lock.takenOver!);
    assertTrue(lock.takenOver!.includes("ended without closing run a-run"), lock.takenOver!);
  }));

Deno.test("takeRunLock() throws in a folder that cannot be written", () => {
  assertThrows(() => takeRunLock("/proc/none/lock", "a-run"), Deno.errors.NotFound, "/proc/none");
});

Deno.test("lockHolder() names a living holder only, and leaves the lock to others", () =>
  inFolder(async (path) => {
    assertEquals(lockHolder(path), undefined); // no file
    {
      using lock = takeRunLock(path, "a-run");
      assertTrue(lockHolder(path)!.startsWith("this process on "), "held here");
      assertEquals(lock.takenOver, undefined);
    }
    assertEquals(lockHolder(path), undefined); // released
    const other = await holder(path);
    assertTrue(lockHolder(path)!.startsWith(`process ${other.pid} on `), "held elsewhere");
    other.kill("SIGKILL");
    await other.status;
    await other.stdout.cancel().catch(() => {});
    assertEquals(lockHolder(path), undefined); // dead
    using lock = takeRunLock(path, "a-run");
    assertTrue(lock.takenOver!.includes(`process ${other.pid}`), "the dead one is still named");
  }));
