import { type AlarmRule, alarmWatch } from "./alarms.ts";
import { assertEquals } from "lib/testing/assert.ts";

const low: AlarmRule = {
  name: "alarmLow",
  message: "it is low",
  reads: ["height"],
  shows: ({ height }) => height! < 1,
};
const high: AlarmRule = {
  name: "alarmHigh",
  message: "it is high",
  reads: ["height"],
  shows: ({ height }) => height! > 2,
};

Deno.test("alarmWatch() does not count lines without a rule's metrics: those of the monitor come between the steps", () => {
  const watch = alarmWatch([low], 0);
  const raised: number[] = [];
  for (let step = 1; step <= 150; step++) {
    if (watch({ step, metrics: { height: 0 } }).length > 0) raised.push(step);
    assertEquals(watch({ step, metrics: { knn20Top1: 0.5 } }), []);
  }
  assertEquals(raised, [100]);
});

Deno.test("alarmWatch() watches each rule on its own", () => {
  const watch = alarmWatch([low, high], 0);
  const names = Array.from(
    { length: 300 },
    (_, i) =>
      watch({ step: i + 1, metrics: { height: i < 150 ? 0 : 3 } }).map(({ name }) =>
        `${name} at ${i + 1}`
      ),
  ).flat();
  assertEquals(names, ["alarmLow at 100", "alarmHigh at 250"]);
});
