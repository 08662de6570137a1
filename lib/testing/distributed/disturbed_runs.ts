/**
 * Runs of several processes that are disturbed: `train_together.ts` in a folder of its own, to its
 * end or until a process is killed or stopped, or its link is cut.
 */
import type { TrainResult } from "lib/experiments/runs/train_run.ts";
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
