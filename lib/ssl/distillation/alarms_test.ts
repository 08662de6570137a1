import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { dinoAlarms } from "./alarms.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const outDim = 512; // ln K = 6.238
const newWatch = () => alarmWatch(dinoAlarms(outDim), 10);
const healthy = { teacherEntropy: 4.7, kl: 0.4, featureStd: 0.5 };

/** The alarms of a run with the same signals at every step, with the steps at which they begin. */
function alarmsOf(signals: typeof healthy, steps = 300): string[] {
  const watch = newWatch();
  return Array.from({ length: steps }, (_, i) => watch({ step: i + 1, metrics: signals }))
    .flatMap((alarms, i) => alarms.map(({ name }) => `${name} at ${i + 1}`));
}

Deno.test("dinoAlarms() is silent on healthy runs, also at their extremes", () => {
  for (
    const signals of [
      healthy,
      { teacherEntropy: 2.5, kl: 1.6, featureStd: 0.8 },
      { teacherEntropy: 5.6, kl: 0.36, featureStd: 0.36 },
      // A confident teacher and a cautious one; the student still has much to learn.
      { teacherEntropy: 0.05, kl: 2, featureStd: 0.5 },
      { teacherEntropy: 6.2, kl: 0.5, featureStd: 0.7 },
    ]
  ) assertEquals(alarmsOf(signals), []);
});

Deno.test("dinoAlarms() raises each alarm once, a hundred steps after the warm-up", () => {
  const one = { ...healthy, teacherEntropy: 0.0002, kl: 0.0024 };
  const uniform = { ...healthy, teacherEntropy: 6.232, kl: 0.007 };
  assertEquals(alarmsOf(one), ["alarmOnePrototype at 110"]);
  assertEquals(alarmsOf(uniform), ["alarmUniform at 110"]);
  assertEquals(alarmsOf({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures at 110"]);
  assertEquals(alarmsOf(uniform, 109), []);
});

Deno.test("dinoAlarms() counts steps in a row, and says what to try", () => {
  const watch = newWatch();
  const same = { ...healthy, featureStd: 0 };
  for (let step = 11; step <= 109; step++) assertEquals(watch({ step, metrics: same }), []);
  watch({ step: 110, metrics: healthy });
  for (let step = 111; step <= 209; step++) assertEquals(watch({ step, metrics: same }), []);
  const [alarm] = watch({ step: 210, metrics: same });
  assertTrue(alarm!.message.includes("lower lr"), alarm!.message);
});
