import { SpeedMeter, speedNames } from "./speed_meter.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("SpeedMeter speaks once a second: of all images, and of the share that was waiting", async () => {
  let now = 500;
  const began = Date.now() / 1000;
  const meter = new SpeedMeter(() => now);
  for (let step = 0; step < 4; step++) {
    const batch = meter.wait(Promise.resolve(step));
    now += 100;
    assertEquals(await batch, step);
    now += 150;
    const speed = meter.step(32);
    assertEquals(speed !== undefined, step === 3, `step ${step}`);
    if (speed === undefined) continue;
    assertClose([speed.imagesPerSecond, speed.dataWaitShare], [128, 0.4], 1e-9);
    const { memoryBytes, time } = speed;
    assertTrue(memoryBytes > 1e7 && began <= time && time <= Date.now() / 1000, "now, and here");
    assertEquals(Object.keys(speed).sort(), [...speedNames].sort());
  }
  now += 5000;
  meter.restart(); // a k-NN, say
  now += 1000;
  assertClose(meter.step(10)!.imagesPerSecond, 10, 1e-9);
});
