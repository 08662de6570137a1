/** `deno task train` as a process: what it prints, and how signals end it. */
import { finish, long, removeLongRuns, someSteps, spawn } from "lib/testing/runs/train_process.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} stops a run after the current step, saved, with exit code ${code}`, async () => {
    removeLongRuns();
    const child = spawn(`${long} --fresh`);
    const ended = finish(child);
    await Promise.race([someSteps(), ended]); // one that ended at once says why below
    child.kill(signal);
    child.kill(signal); // as when a terminal and a task both send it
    const { code: actual, stdout, stderr } = await ended;
    assertEquals(actual, code, stderr);
    const [, step] = /^long-\w{8}: saved at step (\d+) of 3200.*; the same command goes on$/
      .exec(stdout) ?? [];
    assertTrue(Number(step) > 0, stdout);
    const next = await finish(spawn(`${long} --until ${Number(step) + 2}`));
    assertEquals(next.code, 0, next.stderr);
    assertTrue(next.stdout.includes(`saved at step ${Number(step) + 2} of 3200`), next.stdout);
  });
}

Deno.test("what several processes refuse is said by one of them", async () => {
  const { code, stderr } = await finish(spawn(`${long} --fresh --workers 3`));
  assertEquals(code, 1);
  const said = stderr.split("\n").filter((line) => line.startsWith("Cannot"));
  assertEquals(said.length, 1, stderr);
  assertTrue(said[0]!.startsWith("Cannot share 8 images equally among 3 processes"), stderr);
});

Deno.test("a run to its end says so, with its k-NN, and a second call loads it", async () => {
  for (const config of ["start", "start", "start_supervised", "start_supervised"]) {
    const args = `--config ${config} --scale smoke --set scales.smoke.epochs=1`;
    const { code, stdout, stderr } = await finish(spawn(args));
    assertEquals(code, 0, stderr);
    const [, name] = /^(\w+)-\w{8}: finished, 8 steps, k-NN \d+\.\d %$/.exec(stdout) ?? [];
    assertEquals(name, config, stdout);
  }
});

Deno.test("help and errors are short, and need no engine", async () => {
  const help = await finish(spawn("--help"));
  assertEquals([help.code, help.stderr], [0, ""]);
  assertTrue(help.stdout.startsWith("deno task train --config NAME"), help.stdout);
  const wrong = await finish(spawn("--config start --set recipe.model.kernel=3"));
  assertEquals([wrong.code, wrong.stderr.trim().split("\n").length], [1, 1]);
});
