import { metricLabel, metricOf, metricTable } from "./metric_table.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("metricOf() knows names with numbers in them, and not what is only recorded", () => {
  assertEquals(metricOf("knn20Top1")!.curve, true);
  assertEquals([metricOf("knn200Top1")!.curve, metricOf("knn20Top5")!.curve], [false, false]);
  assertEquals([metricOf("boxAp")!.curve, metricOf("boxAp50")!.curve], [true, false]);
  assertEquals(metricOf("alarmEntropy")!.when, "now and then");
  assertEquals([metricOf("gradNorm"), metricOf("constructor"), metricOf("lossBox")], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("metricTable has each name once, and a line that can be reached for each", () => {
  const names = metricTable.map(({ name }) => name);
  assertEquals(names, [...new Set(names)]);
  for (const metric of metricTable) {
    assertEquals(metricOf(metric.name.replaceAll("*", "7")), metric);
  }
});

Deno.test("metricLabel() says the unit", () => {
  assertEquals(["loss", "maskAp", "featureStd"].map((name) => metricLabel(metricOf(name)!)), [
    "loss (nats)",
    "mask AP (%)",
    "feature std",
  ]);
});
