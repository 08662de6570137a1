import * as tf from "lib/tf.ts";
import { bcSslStart } from "lib/experiments/configs.ts";
import { override } from "lib/experiments/config.ts";
import { pretrain } from "lib/experiments/pretrain.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("a thousand steps leak no tensor and keep the resident memory within 5 %", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.env.set("BCSSL_OUTPUTS", folder);
  const config = override(bcSslStart, {
    name: "memory",
    recipe: { model: { dims: [8, 16, 24, 32] }, head: { hiddenDim: 64, outDim: 128 } },
    scales: { smoke: { epochs: 150, monitorEvery: 100_000 } },
  });
  const tensors: number[] = [];
  const resident: number[] = []; // bytes
  const onEvent = ({ step }: { step: number }) => {
    if (step % 100 !== 0) return;
    tensors.push(tf.memory().numTensors);
    resident.push(Deno.memoryUsage().rss);
  };
  try {
    await pretrain(config, { scale: "smoke", seed: 0, untilStep: 1200, onEvent });
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
  assertEquals(tensors.length, 12);
  assertEquals(new Set(tensors).size, 1);
  const [warm, end] = [Math.max(...resident.slice(1, 3)), resident.at(-1)!]; // after 200 and 300 steps
  assertTrue(end <= 1.05 * warm, `resident memory went from ${warm} to ${end} bytes`);
});
