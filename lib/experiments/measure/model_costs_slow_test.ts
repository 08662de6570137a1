import * as tf from "lib/tf.ts";
import { modelCosts } from "lib/experiments/measure/model_costs.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("modelCosts() gives every printed FLOP to its digit, and each size with one way to count", async () => {
  const before = tf.memory().numTensors;
  const costs = await modelCosts();
  assertEquals(tf.memory().numTensors, before);
  for (const { network, gigaFlops, printedGigaFlops, ...counts } of costs) {
    if (printedGigaFlops !== null) {
      assertEquals(gigaFlops.toFixed(1), printedGigaFlops.toFixed(1), network);
    }
    const { millionsWithout, millionsWith, printedMillions } = counts;
    const ways = [millionsWithout, millionsWith].flatMap((m) => [Math.round(m), Math.floor(m)]);
    assertEquals(ways.includes(printedMillions), true, `${network}: ${ways}`);
  }
  assertEquals(costs.map(({ network }) => network).slice(0, 4), [
    "ResNet-50",
    "ViT-S",
    "Swin-T",
    "BC-SSL-T, 3×3",
  ]);
});
