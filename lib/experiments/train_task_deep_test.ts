/** `deno task train --workers 2`: how signals end both processes, and that they end a run together. */
import {
  childrenOf,
  finish,
  long,
  removeLongRuns,
  small,
  someSteps,
  spawn,
} from "lib/testing/runs/train_process.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

// Slurm sends a signal to all, but to some of them later.
for (const [asked, signal, expected] of [[0, "SIGTERM", 143], [1, "SIGUSR2", 140]] as const) {
  Deno.test(`two processes stop together, with the same exit code, when process ${asked} is asked to`, async () => {
    removeLongRuns();
    const child = spawn(`${long} --fresh --workers 2`);
    const ended = finish(child);
    await Promise.race([someSteps(), ended]);
    Deno.kill([child.pid, ...childrenOf(child)][asked]!, signal);
    const { code, stdout, stderr } = await ended;
    assertEquals(code, expected, stderr);
    const [, step] = /^long-\w{8}: saved at step (\d+) of 3200/.exec(stdout) ?? [];
    assertTrue(Number(step) > 0, stdout + stderr);
  });
}

Deno.test("two processes take a run to its end, and its linear probe", async () => {
  const short =
    `--config start --scale smoke --set scales.smoke.epochs=1 --workers 2 --set name=pair ${small}`;
  const whole = await finish(spawn(`${short} --probe`));
  assertEquals(whole.code, 0, whole.stderr);
  const lines =
    /^pair-\w{8}: finished, 8 steps.*\npair-\w{8}: linear probe \d+\.\d % at rate [\d.]+, the best of 6$/;
  assertTrue(lines.test(whole.stdout), whole.stdout);
});
