/** `deno task train` as a process: what it prints, and how signals end it. */
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const outputs = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(outputs, { recursive: true }));

function spawn(args: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/experiments/train_task.ts", ...args.split(" ")],
    env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr) };
}

/** Waits until the run that `spawn` started has taken some steps. */
async function someSteps(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = [...Deno.readDirSync(outputs)].flatMap(({ name }) => {
      try {
        return Deno.readTextFileSync(`${outputs}/${name}/metrics.jsonl`).split("\n");
      } catch {
        return [];
      }
    });
    if (lines.length > 5) return;
  }
}

// So many epochs that no machine is through with them before the signal.
const small = "--set recipe.model.depths=[1,1,1,1] --set recipe.model.dims=[8,8,16,16]";
const long = `--config start --scale smoke --set scales.smoke.epochs=400 --set name=long ${small}`;

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} stops a run after the current step, saved, with exit code ${code}`, async () => {
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
    Deno.removeSync(`${outputs}/${/^\S+?(?=:)/.exec(stdout)![0]}`, { recursive: true });
  });
}

/** The processes that a process has started. */
function childrenOf({ pid }: Deno.ChildProcess): number[] {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ").flatMap(Number)
  ).filter((child) => child > 0);
}

// Slurm sends a signal to all, but to some of them later.
for (const [asked, signal, expected] of [[0, "SIGTERM", 143], [1, "SIGUSR2", 140]] as const) {
  Deno.test(`two processes stop together, with the same exit code, when process ${asked} is asked to`, async () => {
    const child = spawn(`${long} --fresh --workers 2`);
    const ended = finish(child);
    await Promise.race([someSteps(), ended]);
    Deno.kill([child.pid, ...childrenOf(child)][asked]!, signal);
    const { code, stdout, stderr } = await ended;
    assertEquals(code, expected, stderr);
    const [, run, step] = /^(long-\w{8}): saved at step (\d+) of 3200/.exec(stdout) ?? [];
    assertTrue(Number(step) > 0, stdout + stderr);
    Deno.removeSync(`${outputs}/${run}`, { recursive: true });
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
