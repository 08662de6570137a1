/** `deno task train` as a process, for tests. */

/** Where the runs of these processes are; removed when the tests have ended. */
export const outputs = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(outputs, { recursive: true }));

/** Starts `deno task train` with arguments. */
export function spawn(args: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/experiments/train_task.ts", ...args.split(" ")],
    env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits until a process has ended, and returns what it has said. */
export async function finish(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr) };
}

/** The folders of the runs of {@linkcode long}. Other tests of a process leave other runs in `outputs`. */
function longRuns(): string[] {
  const names = [...Deno.readDirSync(outputs)].map(({ name }) => name);
  return names.filter((name) => name.startsWith("long-")).map((name) => `${outputs}/${name}`);
}

/** Waits until a run of {@linkcode long} has taken some steps. */
export async function someSteps(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = longRuns().flatMap((folder) => {
      try {
        return Deno.readTextFileSync(`${folder}/metrics.jsonl`).split("\n");
      } catch {
        return [];
      }
    });
    if (lines.length > 5) return;
  }
}

/** Removes the runs of {@linkcode long}, so that the next test waits for steps of its own. */
export function removeLongRuns(): void {
  for (const folder of longRuns()) Deno.removeSync(folder, { recursive: true });
}

/** The processes that a process has started. */
export function childrenOf({ pid }: Deno.ChildProcess): number[] {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ").flatMap(Number)
  ).filter((child) => child > 0);
}

/** A small network. */
export const small = "--set recipe.model.depths=[1,1,1,1] --set recipe.model.dims=[8,8,16,16]";
/** So many epochs that no machine is through with them before a signal. */
export const long =
  `--config start --scale smoke --set scales.smoke.epochs=400 --set name=long ${small}`;
