/** `deno task slurm` with a real Slurm of one node, which is started here if root has installed it. */
import { hostname } from "node:os";
import { hasSlurm, type Slurm, startSlurm } from "lib/testing/distributed/slurm.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const outputs = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(outputs, { recursive: true }));

/** Submits a training. @returns The number of its job. */
async function submit({ env }: Slurm, args: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/experiments/slurm_task.ts", ...args.split(" ")],
    env: { ...env, BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text + new TextDecoder().decode(stderr));
  return /^Submitted batch job (\d+); /.exec(text)![1]!;
}

/** Waits until `probe` gives something. */
async function until<T>(probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** A job's state, in Slurm's words: `RUNNING`. */
async function stateOf({ call }: Slurm, job: string): Promise<string> {
  return /JobState=(\w+)/.exec(await call("scontrol", "show", "job", job))![1]!;
}

/** The steps that the log of a run has. */
function stepsOf(run: string): number {
  try {
    return Deno.readTextFileSync(`${outputs}/${run}/metrics.jsonl`).trim().split("\n").length;
  } catch {
    return 0;
  }
}

function runNamed(name: string): string | undefined {
  return [...Deno.readDirSync(outputs)].find((entry) => entry.name.startsWith(`${name}-`))?.name;
}

Deno.test({
  name:
    "Slurm trains an array of four runs, and goes on with a run that a signal or a dead node stopped",
  ignore: !hasSlurm(),
  async fn(t) {
    await using slurm = await startSlurm();
    const small = "--set recipe.model.depths=[1,1,1,1] --set recipe.model.dims=[8,8,16,16]";
    const common = `--config start --scale smoke --tasks 2 --cpus 1 ${small}`;

    await t.step("an array of four, each by two processes", async () => {
      const job = await submit(
        slurm,
        `${common} --set scales.smoke.epochs=1 --set name=four --array seeds=0..1 kernelSize=3,5`,
      );
      await until(async () => await slurm.call("squeue", "-h") === "" || undefined);
      const states = await slurm.call("scontrol", "show", "job", job);
      assertEquals([...states.matchAll(/JobState=COMPLETED/g)].length, 4, states);
      const logs = [...Deno.readDirSync(`${outputs}/slurm`)]
        .filter(({ name }) => name.endsWith(".log"))
        .map(({ name }) => Deno.readTextFileSync(`${outputs}/slurm/${name}`));
      const finished = logs.map((log) => /(four-\w{8}): finished, 8 steps/.exec(log)?.[1]);
      assertEquals(new Set(finished).size, 4, logs.join("\n"));
    });

    await t.step("a run that is stopped three times", async () => {
      const job = await submit(
        slurm,
        `${common} --set scales.smoke.epochs=2000 --set name=stopped`,
      );
      const run = await until(() => runNamed("stopped"));
      const somethingNew = async () => {
        const before = stepsOf(run);
        await until(() => stepsOf(run) > before + 5 || undefined);
      };
      const log = () => Deno.readTextFileSync(`${outputs}/slurm/start-${job}.log`);
      const pending = () =>
        until(async () => {
          const state = await stateOf(slurm, job);
          if (state === "PENDING") return true;
          assertTrue(!/COMPLETED|FAILED|CANCELLED/.test(state), `${state}\n${log()}`);
        });
      // Slurm would wait two minutes. At once it may refuse, as it has just revoked the job.
      const soon = () => slurm.call("scontrol", "update", `JobId=${job}`, "StartTime=now+5");
      await somethingNew();
      await slurm.call("scancel", "--signal=USR2", job); // as before the time limit
      await pending();
      await soon();
      await somethingNew();
      const node = `NodeName=${hostname()}`;
      await slurm.call("scontrol", "update", node, "State=DOWN", "Reason=test");
      await pending();
      // This node is not dead, so its processes may take a moment to end.
      await until(async () => {
        using lock = await Deno.open(`${outputs}/${run}/lock`, { write: true });
        return await lock.tryLock(true) || undefined;
      });
      await slurm.call("scontrol", "update", node, "State=RESUME");
      await soon();
      await somethingNew();
      await slurm.call("scancel", job);
      await until(async () => await slurm.call("squeue", "-h") === "" || undefined);
      assertEquals(await stateOf(slurm, job), "CANCELLED");
      const saved = [...log().matchAll(/saved at step (\d+) of 16000/g)].map(([, step]) => +step!);
      assertTrue(saved.length >= 2 && saved[0]! < saved.at(-1)!, log());
    });
  },
});
