import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/**
 * A program that measures memory. It runs in a process of its own, since the memory of this process
 * is also that of earlier tests. V8 reserves more heap than it uses, and that reserve varies by a
 * tenth of the total, so only the used part of the heap is counted.
 */
const program = `
  import * as tf from "lib/tf.ts";
  import { bcSslStart, override, pretrain } from "lib/experiments/mod.ts";
  const config = override(bcSslStart, {
    name: "memory",
    recipe: { model: { depths: [1, 1, 2, 1], dims: [8, 16, 24, 32] }, head: { hiddenDim: 64, outDim: 128 } },
    scales: { smoke: { trainCount: 128, batchSize: 16, epochs: 75, monitorEvery: 100_000 } },
  });
  const onEvent = ({ step }) => {
    if (step % 50 !== 0) return;
    gc();
    const { rss, heapTotal, heapUsed } = Deno.memoryUsage();
    console.log(tf.memory().numTensors, rss - heapTotal + heapUsed);
  };
  await pretrain(config, { scale: "smoke", seed: 0, untilStep: 600, onEvent });`;

Deno.test("six hundred steps leak no tensor and keep the resident memory within 5 %", async () => {
  const folder = Deno.makeTempDirSync();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--expose-gc", program],
    env: { BCSSL_OUTPUTS: folder, BCSSL_SHIPPED: "none" },
  }).output();
  Deno.removeSync(folder, { recursive: true });
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const samples = new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => line.split(" ").map(Number) as [number, number]);
  assertEquals(samples.length, 12);
  assertEquals(new Set(samples.map(([tensors]) => tensors)).size, 1);
  const bytes = samples.map(([, resident]) => resident);
  const [warm, end] = [median(bytes.slice(1, 5)), median(bytes.slice(-4))];
  assertTrue(end <= 1.05 * warm, `resident memory went from ${warm} to ${end} bytes`);
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(values.length - 1) >> 1]! + sorted[values.length >> 1]!) / 2;
}
