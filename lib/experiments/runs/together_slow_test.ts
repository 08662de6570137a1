/**
 * Runs of several processes of which one is killed or stopped, at fault points: the others end with
 * one message, and the same command goes on to the numbers of an undisturbed run.
 */
import type { TrainResult } from "./train_run.ts";
import { together } from "lib/testing/distributed/together.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const program = "testing/distributed/train_together.ts";

/** Trains with some processes in a folder of their own. */
function trainIn(outputs: string) {
  const env = { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" };
  return {
    /** To the end, or to a step. */
    async train(size: number, ...args: string[]) {
      const ended = await together(program, size, { args, env });
      for (const { code, output, errors } of ended) assertEquals(code, 0, output + errors);
      const result: TrainResult = JSON.parse(ended[0]!.output.trim().split("\n").at(-1)!);
      return { result, warnings: ended[0]!.errors };
    },
    /** Until one of two processes is killed or stopped; the other must end and name it. */
    async disturb({ rank, at, pass, file = "", signal = "SIGKILL" as Deno.Signal }: Disturbance) {
      const args = ["--rank", `${rank}`, "--at", at, "--pass", `${pass ?? 1}`, "--file", file];
      const [own, other] = [rank, 1 - rank];
      const ended = await together(program, 2, {
        args: [...args, "--signal", signal],
        env,
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
    },
  };
}

interface Disturbance {
  readonly rank: 0 | 1;
  readonly at: string;
  readonly pass?: number;
  readonly file?: string;
  readonly signal?: Deno.Signal;
}

const disturbances: readonly Disturbance[] = [
  { rank: 1, at: "step begun", pass: 2 },
  { rank: 0, at: "step begun", pass: 2 },
  { rank: 0, at: "file half written", file: "/checkpoint-" },
  { rank: 1, at: "step begun", pass: 2, signal: "SIGSTOP" },
  { rank: 0, at: "monitor begun" },
];

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The checkpoint after the last step. */
function lastCheckpoint(folder: string, run: string): Uint8Array {
  return Deno.readFileSync(`${folder}/${run}/checkpoint-00000008.safetensors`);
}

Deno.test("a run whose processes are killed and stopped ends with the bits of an undisturbed one", () =>
  inFolder((quiet) =>
    inFolder(async (disturbed) => {
      const { result: expected } = await trainIn(quiet).train(2);
      assertEquals([expected.step, expected.finished], [8, true]);
      const { disturb, train } = trainIn(disturbed);
      for (const disturbance of disturbances) await disturb(disturbance);
      const { result } = await train(2);
      assertEquals(result, expected);
      assertEquals(
        lastCheckpoint(disturbed, result.run),
        lastCheckpoint(quiet, expected.run),
      );
      assertEquals((await train(2)).result, expected); // all processes hear that it is finished
    })
  ));

Deno.test("a run goes on with another number of processes, to the same losses, and says that the bits differ", () =>
  inFolder(async (folder) => {
    const { train } = trainIn(folder);
    const begun = await train(2, "--until", "3");
    assertEquals([begun.result.step, begun.warnings.includes("was trained by")], [3, false]);
    const { result, warnings } = await train(1);
    assertTrue(
      warnings.includes("was trained by 2 processes and goes on with 1 process"),
      warnings,
    );
    assertTrue(warnings.includes("from step 3"), warnings);
    await inFolder(async (other) => {
      const { result: alone } = await trainIn(other).train(1);
      const losses = ({ history }: TrainResult) => history.map(({ metrics }) => metrics.loss!);
      assertClose(losses(result), losses(alone), 1e-5);
    });
  }));
