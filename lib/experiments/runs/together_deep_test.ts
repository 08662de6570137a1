/**
 * Runs of several processes of which one is killed or stopped, at fault points: the others end with
 * one message, and the same command goes on to the numbers of an undisturbed run.
 */
import type { TrainResult } from "./train_run.ts";
import {
  assertSurvives,
  type Disturbance,
  inFolders,
  lastCheckpoint,
  trainIn,
} from "lib/testing/distributed/disturbed_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const disturbances: readonly Disturbance[] = [
  { rank: 0, at: "step begun", pass: 2 },
  { rank: 0, at: "file half written", file: "/checkpoint-" },
  { rank: 1, at: "step begun", pass: 2, signal: "SIGSTOP" },
  { rank: 0, at: "monitor begun" },
];

Deno.test("a run of which both processes are killed, and one is stopped, ends with the bits of an undisturbed one", () =>
  assertSurvives(disturbances));

Deno.test("a run with gradients in bf16 that was stopped goes on to the bits of one that was not", () =>
  inFolders(2, async (quiet, stopped) => {
    const args = ["--gradients", "bf16"];
    const { result: expected } = await trainIn(quiet!).train(2, args);
    const { train } = trainIn(stopped!);
    assertEquals((await train(2, [...args, "--until", "3"])).result.step, 3);
    const { result } = await train(2, args);
    assertEquals(result, expected);
    assertEquals(lastCheckpoint(stopped!, result), lastCheckpoint(quiet!, expected));
  }));

Deno.test("a run that is asked to stop in a measurement stops in all processes, and measures again", () =>
  inFolders(2, async (quiet, stopped) => {
    const { result: expected } = await trainIn(quiet!).train(2);
    const { train } = trainIn(stopped!);
    const abort = ["--rank", "0", "--at", "monitor begun", "--abort"];
    const { result } = await train(2, abort);
    assertEquals([result.step, result.finished], [3, false]);
    assertTrue(!("knn20Top1" in result.history.at(-1)!.metrics), "the measurement was stopped");
    assertEquals((await train(2)).result, expected);
    assertTrue("knn20Top1" in expected.history[2]!.metrics, "step 3 is measured");
  }));

Deno.test("a run goes on with another number of processes, to the same losses, and says that the bits differ", () =>
  inFolders(2, async (folder, other) => {
    const { train } = trainIn(folder!);
    const begun = await train(2, ["--until", "3"]);
    assertEquals([begun.result.step, begun.warnings.includes("was trained by")], [3, false]);
    const { result, warnings } = await train(1);
    assertTrue(
      warnings.includes("was trained by 2 processes and goes on with 1 process"),
      warnings,
    );
    assertTrue(warnings.includes("from step 3"), warnings);
    const { result: alone } = await trainIn(other!).train(1);
    const losses = ({ history }: TrainResult) => history.map(({ metrics }) => metrics.loss!);
    assertClose(losses(result), losses(alone), 1e-5);
  }));
