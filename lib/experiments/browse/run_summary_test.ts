import { join } from "@std/path";
import { takeRunLock } from "lib/runs/run_lock.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { logOf, shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { runSummaries } from "./run_summary.ts";

const byId = () => new Map(runSummaries().map((run) => [run.id, run]));

Deno.test("runSummaries() tells what trains, what is finished and what was stopped", () =>
  inOutputs((outputs) => {
    writeRun(outputs, { id: "done-1", steps: 20 });
    writeRun(outputs, { id: "half-1", steps: 10, totalSteps: 20 });
    writeRun(outputs, { id: "live-1", steps: 10, totalSteps: 40 });
    Deno.writeTextFileSync(join(outputs, "live-1", "metrics.jsonl"), logOf(10, 25), {
      append: true,
    });
    writeRun(outputs, { id: "new-1", steps: 3, status: null });
    Deno.mkdirSync(join(outputs, "figures"));
    using _lock = takeRunLock(join(outputs, "live-1", "lock"), "live-1");
    using _other = takeRunLock(join(outputs, "new-1", "lock"), "new-1");
    const runs = byId();
    const states = [...runs.values()].map(({ id, state, step, totalSteps }) =>
      [id, state, step, totalSteps] as const
    );
    assertEquals(states.sort(), [
      ["done-1", "finished", 20, 20],
      ["half-1", "stopped", 10, 20],
      ["live-1", "training", 25, 40],
      ["new-1", "training", 3, undefined],
    ]);
    assertEquals(runs.get("live-1")!.loss, 5 - 25 / 100);
    assertEquals(runs.get("done-1")!.best, { metric: "knn20Top1", value: 0.32, step: 20 });
    return Promise.resolve();
  }));

Deno.test("a stopped run is at the step of its checkpoint, from which it would go on", () =>
  inOutputs((outputs) => {
    writeRun(outputs, { id: "killed-1", steps: 10, totalSteps: 40 });
    Deno.writeTextFileSync(join(outputs, "killed-1", "metrics.jsonl"), logOf(10, 25), {
      append: true,
    });
    assertEquals(byId().get("killed-1")!.step, 10);
    return Promise.resolve();
  }));

Deno.test("runSummaries() takes the time of the newest step, which may be after the checkpoint", () =>
  inOutputs((outputs) => {
    writeRun(outputs, { id: "saved-1", steps: 10, updated: "2026-11-03T00:00:00.000Z" });
    writeRun(outputs, { id: "live-1", steps: 10, updated: "2026-11-02T00:00:00.000Z" });
    const stepped = new Date("2026-11-04T00:00:00.000Z");
    Deno.utimeSync(join(outputs, "live-1", "metrics.jsonl"), stepped, stepped);
    const dates = runSummaries().map(({ id, date }) => [id, date]);
    assertEquals(dates, [
      ["live-1", "2026-11-04T00:00:00.000Z"],
      ["saved-1", "2026-11-03T00:00:00.000Z"],
    ]);
    return Promise.resolve();
  }));

Deno.test("runSummaries() names the method: of the recipe, supervised, or detector", () =>
  inOutputs((outputs) => {
    writeRun(outputs, { id: "dino-1", steps: 1 });
    writeRun(outputs, { id: "byol-1", steps: 1, recipe: { method: "byol" } });
    writeRun(outputs, { id: "twin-1", steps: 1, config: { scales: undefined, sizes: {} } });
    writeRun(outputs, { id: "boxes-1", steps: 1, config: { pretrained: null } });
    const methods = [...byId()].map(([id, { method }]) => [id, method]);
    assertEquals(methods.sort(), [
      ["boxes-1", "detector"],
      ["byol-1", "byol"],
      ["dino-1", "dino"],
      ["twin-1", "supervised"],
    ]);
    return Promise.resolve();
  }));

Deno.test("runSummaries() has shipped runs that are not trained here, the newest first", () =>
  inOutputs(async (outputs) => {
    const shipped = join(outputs, "shipped");
    shipWrittenRun(shipped, { id: "a-1", steps: 20, updated: "2026-11-02T00:00:00.000Z" });
    shipWrittenRun(shipped, { id: "b-1", steps: 20 });
    writeRun(outputs, { id: "b-1", steps: 10, updated: "2026-11-03T00:00:00.000Z" });
    await withVariables({ BCSSL_SHIPPED: shipped }, () => {
      const runs = runSummaries().map(({ id, origin, step, loss }) => [id, origin, step, loss]);
      assertEquals(runs, [["b-1", "here", 10, 4.9], ["a-1", "shipped", 20, 4.8]]);
      return Promise.resolve();
    });
  }));
