import { esvitAlarms } from "./alarms.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("esvitAlarms() watch each head by its own numbers", () => {
  const alarms = esvitAlarms(512); // ln K = 6.238
  const healthy = {
    ...{ teacherEntropy: 4.7, kl: 0.4, featureStd: 0.5 },
    ...{ regionEntropy: 4, regionKl: 0.5 },
  };
  const shown = (metrics: Readonly<Record<string, number>>) =>
    alarms.filter((alarm) => alarm.shows(metrics)).map(({ name }) => name);
  assertEquals(shown(healthy), []);
  const one = { regionEntropy: 0.001, regionKl: 0.002 };
  const uniform = { regionEntropy: 6.23, regionKl: 0.007 };
  assertEquals(shown({ ...healthy, ...one }), ["alarmOneRegionPrototype"]);
  assertEquals(shown({ ...healthy, ...uniform }), ["alarmUniformRegions"]);
  assertEquals(shown({ ...healthy, teacherEntropy: 6.23, kl: 0.007 }), ["alarmUniform"]);
  assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
  for (const { message } of alarms) assertTrue(message.includes("lower lr"), message);
});
