import { join } from "@std/path";
import type { HistoryLine } from "lib/runs/events.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { linesOf, logOf, shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { rankedValue, RunHistories } from "./run_histories.ts";
import { runSummaries } from "./run_summary.ts";

Deno.test("RunHistories adds what a run writes, also after it was resumed or begun again", () =>
  inOutputs((outputs) => {
    const histories = new RunHistories();
    writeRun(outputs, { id: "run-1", steps: 20, totalSteps: 90 });
    const path = join(outputs, "run-1", "metrics.jsonl");
    const history = () => histories.of(runSummaries()[0]!);
    const append = (text: string) => Deno.writeTextFileSync(path, text, { append: true });
    assertEquals(history(), linesOf(0, 20));
    append(logOf(20, 22) + '{"step":23,"lo');
    assertEquals(history(), linesOf(0, 22));
    append('ss":1}\n');
    assertEquals(history().at(-1), { step: 23, metrics: { loss: 1 } });
    // The run was killed, and goes on from its checkpoint of step 21; the log grew beyond before.
    Deno.writeTextFileSync(path, logOf(0, 21) + logOf(21, 40));
    assertEquals(history().map(({ step }) => step), linesOf(0, 40).map(({ step }) => step));
    // Begun again with longer lines: where reading goes on, there are steps that were read before.
    const longer = logOf(0, 35).replaceAll('"gradNorm":1', '"gradNorm":1.0000000000');
    Deno.writeTextFileSync(path, longer);
    assertEquals(history().map(({ step }) => step), linesOf(0, 35).map(({ step }) => step));
    Deno.writeTextFileSync(path, logOf(0, 5)); // { fresh: true }
    assertEquals(history(), linesOf(0, 5));
    Deno.removeSync(path);
    assertEquals(history(), []);
    return Promise.resolve();
  }));

Deno.test("RunHistories has shipped runs, to the bit", () =>
  inOutputs(async (outputs) => {
    shipWrittenRun(outputs, { id: "run-1", steps: 30 });
    await withVariables({ BCSSL_SHIPPED: outputs }, () => {
      assertEquals(new RunHistories().of(runSummaries()[0]!), linesOf(0, 30));
      return Promise.resolve();
    });
  }));

Deno.test("rankedValue() is the best of a score, and the newest of a loss", () => {
  const history: HistoryLine[] = [
    { step: 1, metrics: { loss: 1, knn20Top1: 0.7 } },
    { step: 2, metrics: { loss: 2, knn20Top1: 0.6, kl: NaN } },
    { step: 3, metrics: { loss: NaN } },
  ];
  assertEquals(rankedValue(history, "knn20Top1"), 0.7);
  assertEquals(rankedValue(history, "loss"), 2);
  assertEquals(rankedValue(history, "kl"), undefined);
  assertEquals(rankedValue([], "rankMe"), undefined);
});
