import { join } from "@std/path";
import { takeRunLock } from "lib/runs/run_lock.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { deleteRuns, deletionInWords, folderBytes, planDeletion } from "./delete_runs.ts";
import { runSummaries } from "./run_summary.ts";

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("folderBytes() counts a file with two names once, and folders inside", () =>
  inOutputs((outputs) => {
    Deno.mkdirSync(join(outputs, "run", "inner"), { recursive: true });
    Deno.writeTextFileSync(join(outputs, "run", "checkpoint"), "0".repeat(1000));
    Deno.linkSync(join(outputs, "run", "checkpoint"), join(outputs, "run", "best"));
    Deno.writeTextFileSync(join(outputs, "run", "inner", "notes"), "0".repeat(10));
    assertEquals(folderBytes(join(outputs, "run")), 1010);
    return Promise.resolve();
  }));

Deno.test("runs are deleted with their folders; what trains and what is shipped stays", () =>
  inOutputs(async (outputs) => {
    const shipped = join(outputs, "shipped");
    shipWrittenRun(shipped, { id: "ours-1", steps: 10 });
    Deno.mkdirSync(join(outputs, "ours-1")); // evaluations of the shipped run
    for (const id of ["old-1", "old-2", "live-1", "other-1"]) writeRun(outputs, { id, steps: 10 });
    using _lock = takeRunLock(join(outputs, "live-1", "lock"), "live-1");
    await withVariables({ BCSSL_SHIPPED: shipped }, () => {
      const plan = planDeletion(runSummaries().filter(({ id }) => id !== "other-1"));
      assertEquals(plan.runs.map(({ id }) => id).sort(), ["old-1", "old-2"]);
      assertTrue(plan.runs.every(({ bytes }) => bytes > 1000), "with the checkpoint");
      assertEquals(
        deletionInWords({ ...plan, runs: [{ id: "a", bytes: 2_340_000 }] }),
        "1 run, 2.3 MB",
      );
      const [live, ours] = plan.refused.toSorted();
      assertTrue(live!.startsWith("Cannot delete live-1: this process on "), live!);
      assertTrue(ours!.startsWith("Cannot delete ours-1: it comes with the project"), ours!);
      assertEquals(namesIn(outputs).length, 6); // nothing yet
      deleteRuns(plan);
      assertEquals(namesIn(outputs), ["live-1", "other-1", "ours-1", "shipped"]);
      return Promise.resolve();
    });
  }));

Deno.test("a run that begins to train after the plan is not deleted", () =>
  inOutputs((outputs) => {
    writeRun(outputs, { id: "run-1", steps: 10 });
    const plan = planDeletion(runSummaries());
    using _lock = takeRunLock(join(outputs, "run-1", "lock"), "run-1");
    assertThrows(() => deleteRuns(plan), Error, "this process");
    assertTrue(namesIn(join(outputs, "run-1")).includes("metrics.jsonl"), "all files stay");
    return Promise.resolve();
  }));
