import { collapseTable } from "lib/report/tables/collapse_table.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("collapseTable() has the last means, the last k-NN and the alarms, and no column that nobody measured", () => {
  const history = Array.from({ length: 60 }, (_, i) => ({
    step: i + 1,
    metrics: {
      loss: i < 10 ? 100 : 2,
      ...(i === 20 && { knn20Top1: 0.5 }),
      ...(i === 40 && { knn20Top1: 0.1234, alarmUniform: 1 }),
    } as Record<string, number>,
  }));
  const healthy = [{ step: 1, metrics: { loss: 1, featureStd: 0.5 } }];
  assertEquals(collapseTable([{ name: "a", history }, { name: "b", history: healthy }]), [
    { run: "a", loss: 2, "feature std": null, "k-NN (%)": 12.3, alarms: "alarmUniform at step 41" },
    { run: "b", loss: 1, "feature std": 0.5, "k-NN (%)": null, alarms: "none" },
  ]);
});
