/**
 * Runs of several processes that are disturbed: `train_together.ts` in a folder of its own, to its
 * end or until a process is killed or stopped, or its link is cut.
 */
import type { TrainResult } from "lib/experiments/runs/train_run.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { type EndedProcess, together, type TogetherOptions } from "./together.ts";

const program = "testing/distributed/train_together.ts";

/** How the processes of a run are started, beside what {@linkcode trainIn} sets. */
export type Start = Pick<TogetherOptions, "addresses" | "within" | "meanwhile">;

/** Trains with some processes, which keep their runs in a folder. */
export function trainIn(outputs: string) {
  const env = { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" };
  /** Until all processes have ended, well or not. */
  const start = (size: number, args: readonly string[], options: Start = {}) =>
    together(program, size, { args, env, ...options });
  return {
    start,
    /**
     * To the end, or to a step.
     *
     * @throws {Error} If a process does not end well; the message is what it says.
     */
    async train(size: number, args: readonly string[] = [], options: Start = {}) {
      const ended = await start(size, args, options);
      for (const { code, output, errors } of ended) {
        if (code !== 0) throw new Error(`A process ended with ${code}: ${output}${errors}`);
      }
      return { result: resultOf(ended[0]!), warnings: ended[0]!.errors };
    },
  };
}

function resultOf({ output }: EndedProcess): TrainResult {
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

/** Runs `body` with some empty folders, which are removed at the end. */
export async function inFolders(
  count: number,
  body: (...folders: string[]) => Promise<void>,
): Promise<void> {
  const folders = Array.from({ length: count }, () => Deno.makeTempDirSync());
  try {
    await body(...folders);
  } finally {
    for (const folder of folders) Deno.removeSync(folder, { recursive: true });
  }
}

/** The checkpoint after the last step. */
export function lastCheckpoint(folder: string, { run, totalSteps }: TrainResult): Uint8Array {
  const name = `checkpoint-${String(totalSteps).padStart(8, "0")}.safetensors`;
  return Deno.readFileSync(`${folder}/${run}/${name}`);
}

/** Where a process of a run is killed or stopped. */
export interface Disturbance {
  readonly rank: 0 | 1;
  readonly at: string;
  readonly pass?: number;
  readonly file?: string;
  readonly signal?: Deno.Signal;
}

/** Trains until one of two processes is killed or stopped; the other must end and name it. */
export async function disturb(
  outputs: string,
  { rank, at, pass = 1, file = "", signal = "SIGKILL" }: Disturbance,
): Promise<void> {
  const args = ["--rank", `${rank}`, "--at", at, "--pass", `${pass}`, "--file", file];
  const [own, other] = [rank, 1 - rank];
  const ended = await trainIn(outputs).start(2, [...args, "--signal", signal], {
    async meanwhile(processes) {
      await processes[other]!.status;
      if (signal === "SIGSTOP") processes[own]!.kill("SIGKILL");
    },
  });
  assertEquals(ended[own]!.code, 137);
  const { code, output, errors } = ended[other]!;
  assertEquals(code, 1, output + errors);
  const named = `Cannot go on without process ${own} (127.0.0.1:`;
  assertTrue(output.startsWith(named), `${named}: ${output}`);
}

/**
 * Asserts that a run of two processes that is disturbed several times ends with the bits of one that
 * is not: each time the other process ends and names the killed one, and the same command goes on.
 */
export async function assertSurvives(disturbances: readonly Disturbance[]): Promise<void> {
  await inFolders(2, async (quiet, disturbed) => {
    const { result: expected } = await trainIn(quiet!).train(2);
    assertEquals([expected.step, expected.finished], [8, true]);
    for (const disturbance of disturbances) await disturb(disturbed!, disturbance);
    const { train } = trainIn(disturbed!);
    const { result } = await train(2);
    assertEquals(result, expected);
    assertEquals(lastCheckpoint(disturbed!, result), lastCheckpoint(quiet!, expected));
    assertEquals((await train(2)).result, expected); // all processes hear that it is finished
  });
}
