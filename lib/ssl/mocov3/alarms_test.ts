import { mocoV3Alarms } from "./alarms.ts";
import { chanceLoss } from "./loss.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { shownAlarms } from "lib/testing/methods.ts";

Deno.test("mocoV3Alarms() watch features, keys and the loss at chance, at any temperature", () => {
  for (const temperature of [0.2, 1]) {
    const alarms = mocoV3Alarms({ batchSize: 64, temperature });
    const chance = chanceLoss(64, temperature);
    const healthy = { projectionStd: 0.85, featureStd: 0.21, loss: chance - 0.3 };
    const shown = (metrics: Readonly<Record<string, number>>) => shownAlarms(alarms, metrics);
    assertEquals(shown(healthy), []);
    assertEquals(shown({ ...healthy, projectionStd: 0.01 }), ["alarmSameProjections"]);
    assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
    assertEquals(shown({ ...healthy, loss: chance - 0.1 }), ["alarmChance"]);
    for (const { message } of alarms) assertTrue(message.includes("lower lr"), message);
  }
});
