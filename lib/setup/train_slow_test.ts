/** `deno task train` below `npx`: who hears a SIGTERM. */
import { root } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** What `read` returns once that is something; it is asked again and again. */
async function eventually<T>(read: () => T | undefined): Promise<T> {
  for (;;) {
    try {
      const value = read();
      if (value !== undefined) return value;
    } catch { /* not there yet */ }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("a SIGTERM to npx, which ends only its shell, stops the training, saved", async () => {
  const outputs = await Deno.makeTempDir();
  const train = "task train --config start --scale smoke --set scales.smoke.epochs=4000";
  // npx runs `sh -c deno …`, and its SIGTERM reaches the shell alone. Without the colon, some
  // shells become deno instead of starting it.
  const shell = new Deno.Command("sh", {
    args: ["-c", `${Deno.execPath()} ${train}; :`],
    cwd: root,
    env: {
      npm_lifecycle_event: "npx",
      BCSSL_OUTPUTS: outputs,
      BCSSL_SHIPPED: "none",
      PATH: pathWithDeno(),
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const runs = () => [...Deno.readDirSync(outputs)].map(({ name }) => `${outputs}/${name}`);
  const run = await eventually(() =>
    runs().find((path) => Deno.readTextFileSync(`${path}/metrics.jsonl`).length > 500)
  );
  const { pid } = JSON.parse(await Deno.readTextFile(`${run}/lock`));
  assertTrue(isAlive(pid), "the training");
  shell.kill("SIGTERM");
  await shell.status;
  const status = await eventually(() =>
    isAlive(pid) ? undefined : JSON.parse(Deno.readTextFileSync(`${run}/status.json`))
  );
  const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trim().split("\n");
  assertEquals(JSON.parse(lines.at(-1)!).step, status.step, "all its steps are saved");
  assertEquals(status.finished, false);
  await Deno.remove(outputs, { recursive: true });
});

/** In a task, the word `deno` is looked up on the PATH. */
function pathWithDeno(): string {
  return `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
