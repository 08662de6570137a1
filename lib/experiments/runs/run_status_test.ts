import { folderOf } from "./run_folder.ts";
import { readStatus, writeStatus } from "./run_status.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const common = {
  step: 500,
  totalSteps: 900,
  finished: false,
  seconds: 12.5,
  alarms: ["alarmUniform"],
  updated: "2024-01-01T00:00:00.000Z",
};

Deno.test("readStatus() gives what writeStatus() wrote, without a score too, and nothing where there is none", () =>
  inOutputs((outputs) => {
    const folder = folderOf("run");
    Deno.mkdirSync(`${outputs}/run`);
    assertEquals(readStatus(folder), undefined);
    const last = { metric: "boxAp", value: 0.25, step: 500 };
    for (const status of [{ ...common }, { ...common, last, best: { ...last, step: 250 } }]) {
      writeStatus(folder, status);
      assertEquals(readStatus(folder), status);
    }
    Deno.writeTextFileSync(`${outputs}/run/status.json`, '{"step":');
    assertEquals(readStatus(folder), undefined);
    return Promise.resolve();
  }));

Deno.test("readStatus() reads files whose scores have no names: k-NN of a run, AP of a detector", () =>
  inOutputs((outputs) => {
    Deno.mkdirSync(`${outputs}/run`);
    const read = (scores: object) => {
      const text = JSON.stringify({ ...common, ...scores });
      Deno.writeTextFileSync(`${outputs}/run/status.json`, text);
      return readStatus(folderOf("run"));
    };
    assertEquals(
      read({ lastKnn: { step: 500, top1: 0.5 }, bestKnn: { step: 400, top1: 0.6 } }),
      {
        ...common,
        last: { metric: "knn20Top1", value: 0.5, step: 500 },
        best: { metric: "knn20Top1", value: 0.6, step: 400 },
      },
    );
    assertEquals(read({ lastAp: { step: 500, ap: 0.1 }, bestAp: { step: 300, ap: 0.2 } }), {
      ...common,
      last: { metric: "boxAp", value: 0.1, step: 500 },
      best: { metric: "boxAp", value: 0.2, step: 300 },
    });
    return Promise.resolve();
  }));
