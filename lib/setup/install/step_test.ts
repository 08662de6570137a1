import { exists, remove, writeFileWhole } from "./files.ts";
import { root } from "./project.ts";
import { runSteps, type Step, withLock } from "./step.ts";
import { textLines } from "lib/setup/notebooks/json_lines.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** A step that writes a file, and counts how often it runs. */
function countingStep(dir: string) {
  const state = { made: 0, key: "1", fail: false };
  const step: Step = {
    id: "count",
    title: "Counting",
    key: () => Promise.resolve(state.key),
    isPresent: () => exists(`${dir}/result`),
    async make() {
      state.made++;
      if (state.fail) throw new Error("Cannot count");
      await writeFileWhole(`${dir}/result`, "");
    },
  };
  let said = "";
  const go = (quiet = false) =>
    runSteps([step], { quiet, dir: `${dir}/stamps`, write: (text) => said += text });
  return { state, go, said: () => said };
}

async function withTempDir(body: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await remove(dir);
  }
}

Deno.test("runSteps() does a step once, and says so in a line", () =>
  withTempDir(async (dir) => {
    const { state, go, said } = countingStep(dir);
    assertEquals(await go(), 1);
    assertEquals(await go(), 0);
    assertEquals(await go(true), 0);
    assertEquals(state.made, 1);
    assertTrue(/^Counting … \d+\.\d s\nCounting … ready\n$/.test(said()), said());
  }));

Deno.test("runSteps() does a step again when its key changes or its result is gone", () =>
  withTempDir(async (dir) => {
    const { state, go } = countingStep(dir);
    await go();
    state.key = "2";
    await go();
    assertEquals(state.made, 2);
    await remove(`${dir}/result`);
    await go();
    assertEquals(state.made, 3);
  }));

Deno.test("runSteps() does a step again after it failed, although an older result is there", () =>
  withTempDir(async (dir) => {
    const { state, go } = countingStep(dir);
    await go();
    state.key = "2";
    state.fail = true;
    await assertRejects(() => go(), Error, "Cannot count");
    state.key = "1"; // the key of the existing result
    state.fail = false;
    await go();
    assertEquals(state.made, 3);
  }));

Deno.test("withLock() keeps a second process out, until the first is killed", () =>
  withTempDir(async (dir) => {
    const program = `
      import { withLock } from "lib/setup/install/step.ts";
      await withLock("${dir}/lock", () => { console.log("in"); return new Promise((r) => setTimeout(r, 60_000)); });
    `;
    const first = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", program],
      cwd: root,
      stdout: "piped",
    }).spawn();
    const lines = textLines(first.stdout);
    assertEquals((await lines.next()).value, "in");
    let waited = 0;
    const second = withLock(`${dir}/lock`, () => Promise.resolve("done"), () => {
      waited++;
      first.kill("SIGKILL");
    });
    assertEquals(await second, "done");
    assertEquals(waited, 1);
    await first.status;
    await lines.return(undefined);
  }));
