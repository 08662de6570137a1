import { join } from "@std/path";
import { takeRunLock } from "lib/runs/run_lock.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs } from "lib/testing/outputs.ts";

/** The task in a process of its own; stdin is no terminal. */
function command(outputs: string, ...args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("runs_task.ts", import.meta.url).href, ...args],
    env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: join(outputs, "shipped"), NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function task(outputs: string, ...args: string[]) {
  const { code, stdout, stderr } = await command(outputs, ...args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("deno task runs lists, shows, compares and deletes", () =>
  inOutputs(async (outputs) => {
    writeRun(outputs, { id: "start-1111", steps: 20 });
    writeRun(outputs, { id: "start-2222", steps: 10, totalSteps: 20, recipe: { lr: 0.5 } });
    shipWrittenRun(join(outputs, "shipped"), { id: "ours-3333", steps: 40 });

    const list = await task(outputs, "--sort", "loss");
    assertEquals([list.code, list.err], [0, ""]);
    const ids = list.out.split("\n").map((line) => line.split(" ", 1)[0]);
    assertEquals(ids, ["run", "ours-3333", "start-1111", "start-2222", "3", ""]);
    const json = await task(
      outputs,
      "--json",
      "--best",
      "1",
      "--metric",
      "loss",
      "--config",
      "st*",
    );
    assertEquals(JSON.parse(json.out).map(({ id }: { id: string }) => id), ["start-1111"]);

    const diff = await task(outputs, "diff", "start-1", "start-2");
    assertEquals(diff.out, "           start-1111  start-2222\nrecipe.lr  0.001       0.5\n");
    const show = await task(outputs, "show", "ours");
    for (const part of ["40 of 40", "comes with the project", "commit 0123456", "recipe.lr"]) {
      assertTrue(show.out.includes(part), show.out);
    }

    const there = () => [...Deno.readDirSync(outputs)].map(({ name }) => name).sort();
    const asked = await task(outputs, "delete", "start-1");
    assertEquals(asked.code, 1);
    assertTrue(asked.out.includes("Nothing is deleted; --yes"), asked.out);
    assertEquals(there(), ["shipped", "start-1111", "start-2222"]);
    {
      using _lock = takeRunLock(join(outputs, "start-2222", "lock"), "start-2222");
      const some = await task(outputs, "delete", "*", "--yes");
      assertEquals(some.code, 1); // two were refused
      assertTrue(some.err.includes("Cannot delete start-2222: process"), some.err);
      assertTrue(some.err.includes("Cannot delete ours-3333: it comes with"), some.err);
      assertTrue(some.out.includes("Deleted 1 run, 0.0 MB"), some.out);
    }
    assertEquals(there(), ["shipped", "start-2222"]);
  }));

/** A module as `deno info --json` describes it. */
interface Module {
  readonly specifier: string;
  /** What it imports; `code` is absent where only types are imported. */
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

Deno.test("deno task runs loads neither the engine nor polars nor Plot", async () => {
  const start = new URL("runs_task.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", start] })
    .output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set([start]);
  for (const name of loaded) { // which grows meanwhile
    for (const { code } of byName.get(name)?.dependencies ?? []) {
      if (code?.specifier) loaded.add(code.specifier);
    }
  }
  const names = [...loaded];
  assertTrue(names.some((name) => name.endsWith("/browser/server.ts")), "it sees what is loaded");
  assertEquals(names.filter((name) => /lib\/tf\.ts|tensorflow|polars|plot/.test(name)), []);
});

Deno.test("deno task runs says in a line what it cannot do, and helps", () =>
  inOutputs(async (outputs) => {
    Deno.mkdirSync(join(outputs, "shipped"));
    const none = await task(outputs, "show", "x");
    assertEquals([none.code, none.err.trim().split("\n").length], [1, 1]);
    assertTrue(none.err.startsWith('Cannot find run "x": there is none'), none.err);
    writeRun(outputs, { id: "a-1", steps: 1 });
    writeRun(outputs, { id: "a-2", steps: 1 });
    assertTrue((await task(outputs, "show", "a*")).err.includes("2 runs fit, but one"), "one");
    const help = await task(outputs, "--help");
    assertTrue(help.out.includes("deno task runs diff RUN RUN"), help.out);
    assertTrue(help.out.split("\n").every(({ length }) => length <= 100), help.out);
  }));

Deno.test("deno task runs --web serves its page until Ctrl-C", () =>
  inOutputs(async (outputs) => {
    writeRun(outputs, { id: "a-1", steps: 1 });
    Deno.mkdirSync(join(outputs, "shipped"));
    const child = command(outputs, "--web").spawn();
    const output = child.stdout.getReader();
    const { value } = await output.read();
    const [url] = /http:\S+/.exec(new TextDecoder().decode(value))!;
    const state = await (await fetch(new URL("state.json", url))).json();
    assertEquals(state.runs.map(({ id }: { id: string }) => id), ["a-1"]);
    child.kill("SIGINT");
    assertEquals((await child.status).code, 0);
    await Promise.all([output.cancel(), child.stderr.cancel()]);
  }));
