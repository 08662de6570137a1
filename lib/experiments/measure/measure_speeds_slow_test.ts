import { measureSpeeds } from "lib/experiments/measure/measure_speeds.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

Deno.test("measureSpeeds() times Table 3's networks, keeps what it measured, and hears an interrupt", () =>
  inOutputs(async () => {
    const stop = new AbortController();
    const onEvent = ({ step }: { step: number }) => step === 2 ? stop.abort() : undefined;
    const stopped = measureSpeeds({ scale: "smoke", signal: stop.signal, onEvent });
    await assertRejects(() => stopped, Error, "throughput");
    const speeds = await measureSpeeds({ scale: "smoke" });
    assertEquals(speeds.map(({ network }) => network), [
      ...["RN50", "ViT-S", "Swin-T", "BC-SSL-T", "ViT-B", "Swin-S", "BC-SSL-S"],
    ]);
    const [bcSsl] = speeds.filter(({ network }) => network === "BC-SSL-T");
    assertEquals([bcSsl!["paper, V100"], bcSsl!["paper, A100"], bcSsl!.batch], [762, 1777, 1]);
    assertTrue(speeds.every(({ imagesPerSecond }) => imagesPerSecond > 0), "a speed");
    assertEquals(await measureSpeeds({ scale: "smoke" }), speeds);
  }));
